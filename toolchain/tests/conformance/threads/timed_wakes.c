// Wake-ups and deadlines that come at the same time: each waiter goes on once, and nobody after its end.
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum { CONSUMERS = 50, ITEMS = 1000 };

static sem_t items;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int taken, over;

static void *consume(void *arg)
{
    (void)arg;
    for (;;) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += 10000;
        if (at.tv_nsec >= 1000000000) {
            at.tv_nsec -= 1000000000;
            at.tv_sec++;
        }
        if (sem_timedwait(&items, &at) != 0)
            continue;
        pthread_mutex_lock(&lock);
        int end = taken == ITEMS;
        if (end)
            over++;
        else
            taken++;
        pthread_mutex_unlock(&lock);
        if (end)
            return 0;
    }
}

int main(void)
{
    for (int round = 0; round < 3; round++) {
        pthread_t threads[CONSUMERS];
        taken = over = 0;
        sem_init(&items, 0, 0);
        for (int i = 0; i < CONSUMERS; i++)
            if (pthread_create(&threads[i], 0, consume, 0) != 0)
                return 1;
        for (int i = 0; i < ITEMS + CONSUMERS; i++)
            sem_post(&items);
        for (int i = 0; i < CONSUMERS; i++)
            pthread_join(threads[i], 0);
        printf("%d items, %d consumers\n", taken, over);
    }
    return 0;
}
