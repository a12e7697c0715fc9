// Waiting with a deadline, for everything that has such a call.
#include "../show.h"
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
static struct timespec in(clockid_t clock, long milliseconds) {
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += milliseconds * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000, t.tv_nsec %= 1000000000;
    return t;
}
#define SAY(call) printf("%s: %s\n", #call, strerror(call))
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore, go;
static void *other(void *argument) {
    struct timespec soon = in(CLOCK_REALTIME, 5), past = {0, 0}, wrong = {0, 2000000000};
    SAY(pthread_mutex_timedlock(&mutex, &soon));
    SAY(pthread_mutex_timedlock(&mutex, &past));
    SAY(pthread_rwlock_timedrdlock(&lock, &soon));
    SAY(pthread_rwlock_timedwrlock(&lock, &soon));
    SAY(sem_timedwait(&semaphore, &soon) ? errno : 0);
    SAY(sem_timedwait(&semaphore, &wrong) ? errno : 0);
    sem_post(&go);
    return "done";
}
int main(void) {
    sem_init(&semaphore, 0, 0), sem_init(&go, 0, 0);
    pthread_mutex_lock(&mutex), pthread_rwlock_wrlock(&lock);
    pthread_t thread;
    pthread_create(&thread, 0, other, 0);
    sem_wait(&go);
    void *result;
    pthread_join(thread, &result);
    puts(result);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    SAY(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    pthread_cond_t condition;
    pthread_cond_init(&condition, &attributes);
    struct timespec end = in(CLOCK_MONOTONIC, 10), now;
    SAY(pthread_cond_timedwait(&condition, &mutex, &end));
    now = in(CLOCK_MONOTONIC, 0);
    printf("not early: %d\n", now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec));
    SAY(pthread_mutex_unlock(&mutex));
    SAY(pthread_rwlock_unlock(&lock));
    SAY(pthread_mutex_trylock(&mutex));
    SAY(pthread_mutex_trylock(&mutex));
    return 0;
}
