// Threads return values, have their own thread-local data, and share the rest.
#include <pthread.h>
#include <stdio.h>
static _Thread_local int local = 5;
static _Thread_local char zero[100];
static int shared;
static void *run(void *argument) {
    long n = (long)argument;
    local += n;
    zero[n] = 1;
    int ones = 0;
    for (int i = 0; i < 100; i++) ones += zero[i];
    shared += ones;
    return (void *)(long)local;
}
int main(void) {
    pthread_t threads[10];
    for (long i = 0; i < 10; i++) printf("%d", pthread_create(&threads[i], 0, run, (void *)i));
    for (int i = 0; i < 10; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf(" %ld", (long)result);
    }
    printf("\n%d %d %d\n", local, zero[3], shared);
    return 0;
}
