// Mutexes of all types, with contention.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
static long count;
static void *add(void *argument) {
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&plain);
        long seen = count;
        if (i % 50 == 0) sched_yield();
        count = seen + 1;
        pthread_mutex_unlock(&plain);
    }
    return 0;
}
static void *try_it(void *mutex) { return (void *)(long)pthread_mutex_trylock(mutex); }
static void *unlock_it(void *mutex) { return (void *)(long)pthread_mutex_unlock(mutex); }
static void *timed(void *mutex) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000, until.tv_nsec %= 1000000000;
    return (void *)(long)pthread_mutex_timedlock(mutex, &until);
}
static long in_thread(void *(*run)(void *), void *mutex) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, 0, run, mutex);
    pthread_join(thread, &result);
    return (long)result;
}
int main(void) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], 0, add, 0);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], 0);
    printf("%ld\n", count);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutex_t recursive, checking;
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, &attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checking, &attributes);
    printf("%d %d\n", pthread_mutex_lock(&recursive), pthread_mutex_lock(&recursive));
    printf("%d\n", in_thread(try_it, &recursive) == EBUSY);
    printf("%d %d\n", pthread_mutex_unlock(&recursive), pthread_mutex_unlock(&recursive));
    printf("%ld\n", in_thread(try_it, &recursive));
    printf("%d %d\n", pthread_mutex_lock(&checking), pthread_mutex_lock(&checking) == EDEADLK);
    printf("%d %d\n", in_thread(unlock_it, &checking) == EPERM, in_thread(timed, &checking) == ETIMEDOUT);
    printf("%d %d\n", pthread_mutex_unlock(&checking), pthread_mutex_unlock(&checking) == EPERM);
    return 0;
}
