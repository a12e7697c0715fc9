#include "../show.h"
#include <time.h>
static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
int main(void) {
    long long start = now();
    SHOW(nanosleep(&(struct timespec){0, 5000000}, 0));
    SHOW(now() - start >= 5000000);
    start = now();
    SHOW(usleep(3000));
    SHOW(now() - start >= 3000000);
    SHOW(nanosleep(&(struct timespec){0, 1000000000}, 0));
    SHOW(nanosleep(&(struct timespec){-1, 0}, 0));
    start = now() + 4000000;
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){start / 1000000000, start % 1000000000}, 0));
    SHOW(now() >= start);
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){0, 1}, 0));
    SHOW(clock_nanosleep(CLOCK_REALTIME, 0, &(struct timespec){0, 1000}, 0));
    SHOW(clock_nanosleep(99, 0, &(struct timespec){0, 1000}, 0));
    SHOW(sleep(0));
    return 0;
}
