// Several threads take ranges of numbers from a queue and count the primes in them. Who takes what is the same in every run.
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { RANGE = 1000, MOST = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long next, limit, total;
static int idle;

static long primes(long from, long to) {
    long count = 0;
    for (long n = from < 2 ? 2 : from; n < to; n++) {
        long divisor = 2;
        while (divisor * divisor <= n && n % divisor) divisor++;
        count += divisor * divisor > n;
    }
    return count;
}

static void *work(void *arg) {
    long *ranges = arg;
    for (;;) {
        pthread_mutex_lock(&lock);
        long from = next;
        next += RANGE;
        if (from >= limit) {
            idle++;
            pthread_cond_signal(&changed);
            pthread_mutex_unlock(&lock);
            return 0;
        }
        pthread_mutex_unlock(&lock);
        long count = primes(from, from + RANGE < limit ? from + RANGE : limit);
        pthread_mutex_lock(&lock);
        total += count;
        ++*ranges;
        pthread_mutex_unlock(&lock);
        // A thread goes on until it waits or yields.
        sched_yield();
    }
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 4;
    limit = argc > 2 ? atol(argv[2]) : 50000;
    if (threads < 1 || threads > MOST || limit < 0) {
        fprintf(stderr, "usage: threads [1 to %d threads] [limit]\n", MOST);
        return 2;
    }
    pthread_t thread[MOST];
    long ranges[MOST] = {0};
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], 0, work, &ranges[i])) return 1;
    pthread_mutex_lock(&lock);
    while (idle < threads) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < threads; i++) {
        pthread_join(thread[i], 0);
        printf("thread %d counted %ld ranges\n", i + 1, ranges[i]);
    }
    printf("%ld primes below %ld\n", total, limit);
    return 0;
}
