#include "../show.h"
#include <pthread.h>
static int deep(int n) { volatile char frame[200]; frame[0] = n; return n ? deep(n - 1) + frame[0] * 0 + 1 : 0; }
static void *run(void *argument) { return (void *)(long)deep((int)(long)argument); }
int main(void) {
    pthread_t threads[20];
    for (long i = 0; i < 20; i++) pthread_create(&threads[i], 0, run, (void *)(i * 20));
    long sum = 0;
    for (int i = 0; i < 20; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%ld %d\n", sum, deep(20000));
    return 0;
}
