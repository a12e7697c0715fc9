#include "../show.h"
#include <sys/time.h>
#include <time.h>
int main(void) {
    clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};
    struct timespec a, b;
    for (int i = 0; i < 8; i++) {
        int one = clock_gettime(clocks[i], &a), two = clock_gettime(clocks[i], &b);
        long passed = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
        printf("%d %d %d %d\n", one, two, passed >= 0, clock_getres(clocks[i], &a));
    }
    SHOW(clock_gettime(99, &a));
    SHOW(clock_getres(99, &a));
    struct timeval tv;
    SHOW(gettimeofday(&tv, 0));
    SHOW(tv.tv_sec > 1000000000 && labs(tv.tv_sec - time(0)) < 5);
    clockid_t own;
    SHOW(clock_getcpuclockid(0, &own));
    SHOW(clock_gettime(own, &a));
    return 0;
}
