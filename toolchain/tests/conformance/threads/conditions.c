// Condition variables: a bounded queue, broadcast, and timeouts on both clocks.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t full = PTHREAD_COND_INITIALIZER, empty = PTHREAD_COND_INITIALIZER, all = PTHREAD_COND_INITIALIZER;
static int queue[4], used, head, go, started;
static void *produce(void *argument) {
    for (int i = 1; i <= 100; i++) {
        pthread_mutex_lock(&mutex);
        while (used == 4) pthread_cond_wait(&full, &mutex);
        queue[(head + used++) % 4] = i;
        pthread_cond_signal(&empty);
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}
static void *consume(void *argument) {
    long sum = 0;
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        while (!used) pthread_cond_wait(&empty, &mutex);
        sum += queue[head];
        head = (head + 1) % 4, used--;
        pthread_cond_signal(&full);
        pthread_mutex_unlock(&mutex);
    }
    return (void *)sum;
}
static void *wait_for_all(void *argument) {
    pthread_mutex_lock(&mutex);
    started++;
    pthread_cond_signal(&full);
    while (!go) pthread_cond_wait(&all, &mutex);
    pthread_mutex_unlock(&mutex);
    return 0;
}
static int timed(clockid_t clock) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, clock);
    pthread_cond_t condition;
    pthread_cond_init(&condition, &attributes);
    struct timespec start, until, end;
    clock_gettime(clock, &start);
    until = start;
    until.tv_nsec += 30000000;
    until.tv_sec += until.tv_nsec / 1000000000, until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    int error = pthread_cond_timedwait(&condition, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    clock_gettime(clock, &end);
    long passed = (end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec;
    return error == ETIMEDOUT && passed >= 30000000;
}
int main(void) {
    pthread_t threads[20];
    void *sums[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, consume, 0);
    for (int i = 4; i < 8; i++) pthread_create(&threads[i], 0, produce, 0);
    long sum = 0;
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%ld %d\n", sum, used);
    for (int i = 0; i < 20; i++) pthread_create(&threads[i], 0, wait_for_all, 0);
    pthread_mutex_lock(&mutex);
    while (started < 20) pthread_cond_wait(&full, &mutex);
    go = 1;
    pthread_cond_broadcast(&all);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 20; i++) pthread_join(threads[i], 0);
    printf("%d\n", started);
    printf("%d %d\n", timed(CLOCK_REALTIME), timed(CLOCK_MONOTONIC));
    return 0;
}
