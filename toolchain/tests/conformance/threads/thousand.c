// A thousand threads at once, and detached ones whose stacks are used again.
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
enum { MANY = 1000 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int go;
static sem_t done;
static void *wait_for_it(void *argument) {
    pthread_mutex_lock(&mutex);
    while (!go) pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    return argument;
}
static void *post(void *argument) { sem_post(&done); return 0; }
int main(void) {
    static pthread_t threads[MANY];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32768);
    long sum = 0;
    for (long i = 0; i < MANY; i++)
        if (pthread_create(&threads[i], &attributes, wait_for_it, (void *)i)) return 1;
    pthread_mutex_lock(&mutex);
    go = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < MANY; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%ld\n", sum);
    sem_init(&done, 0, 0);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        for (int i = 0; i < 100; i++)
            if (pthread_create(&thread, &attributes, post, 0)) return 2;
        for (int i = 0; i < 100; i++) sem_wait(&done);
    }
    puts("detached");
    return 0;
}
