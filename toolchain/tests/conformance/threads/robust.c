// A robust mutex whose owner died can be had, and made consistent again.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t mutex;
static void *die(void *argument) { pthread_mutex_lock(&mutex); return 0; }
static void *wait_for_it(void *argument) { return (void *)(long)pthread_mutex_lock(&mutex); }
int main(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    printf("%d\n", pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
    pthread_mutex_init(&mutex, &attributes);
    pthread_t thread;
    pthread_create(&thread, 0, die, 0);
    pthread_join(thread, 0);
    printf("%d\n", pthread_mutex_lock(&mutex) == EOWNERDEAD);
    printf("%d %d\n", pthread_mutex_consistent(&mutex), pthread_mutex_unlock(&mutex));
    pthread_create(&thread, 0, die, 0);
    pthread_join(thread, 0);
    printf("%d\n", pthread_mutex_lock(&mutex) == EOWNERDEAD);
    pthread_mutex_unlock(&mutex);
    void *result;
    pthread_create(&thread, 0, wait_for_it, 0);
    pthread_join(thread, &result);
    printf("%d\n", (long)result == ENOTRECOVERABLE);
    return 0;
}
