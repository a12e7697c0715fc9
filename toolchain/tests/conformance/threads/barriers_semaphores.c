// Barriers let one thread know that it was last; semaphores count.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>
static pthread_barrier_t barrier;
static sem_t semaphore, done;
static int phase[6], serial;
static void *run(void *argument) {
    for (int i = 0; i < 6; i++) {
        __atomic_add_fetch(&phase[i], 1, __ATOMIC_SEQ_CST);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
        if (phase[i] != 5) puts("somebody went on too early");
    }
    sem_wait(&semaphore);
    sem_post(&done);
    return 0;
}
int main(void) {
    pthread_t threads[5];
    pthread_barrier_init(&barrier, 0, 5);
    sem_init(&semaphore, 0, 2), sem_init(&done, 0, 0);
    for (int i = 0; i < 5; i++) pthread_create(&threads[i], 0, run, 0);
    sem_wait(&done), sem_wait(&done);
    int value;
    sem_getvalue(&semaphore, &value);
    printf("%d %d\n", value, sem_trywait(&semaphore) == -1 && errno == EAGAIN);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    printf("%d", sem_timedwait(&done, &until));
    printf(" %d\n", errno == ETIMEDOUT);
    for (int i = 0; i < 3; i++) sem_post(&semaphore);
    for (int i = 0; i < 5; i++) pthread_join(threads[i], 0);
    for (int i = 0; i < 6; i++) printf("%d ", phase[i]);
    printf("%d\n", serial);
    return 0;
}
