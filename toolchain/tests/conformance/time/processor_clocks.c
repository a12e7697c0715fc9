// The processor clocks of processes and threads, by number.
#include "../show.h"
#include <pthread.h>
#include <time.h>
static int works(clockid_t clock) {
    struct timespec now, step;
    return clock_gettime(clock, &now) == 0 && clock_getres(clock, &step) == 0 && now.tv_sec < 100;
}
static void *end(void *clock) {
    SHOW(pthread_getcpuclockid(pthread_self(), clock));
    return 0;
}
int main(void) {
    clockid_t clock = 0;
    SHOW(clock_getcpuclockid(0, &clock));
    SHOW(works(clock));
    SHOW(clock_getcpuclockid(getpid(), &clock));
    SHOW(works(clock));
    SHOW(pthread_getcpuclockid(pthread_self(), &clock));
    SHOW(works(clock));
    printf("none: %s\n", strerror(clock_getcpuclockid(4000000, &clock)));
    printf("negative: %s\n", strerror(clock_getcpuclockid(-1, &clock)));
    pthread_t thread;
    pthread_create(&thread, 0, end, &clock);
    pthread_join(thread, 0);
    struct timespec now;
    SHOW(clock_gettime(clock, &now));
    SHOW(clock_gettime(-1, &now));
    SHOW(clock_gettime(~0 << 3 | 3, &now));
    SHOW(clock_gettime(~0 << 3 | 2, &now));
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    clock_getcpuclockid(0, &clock);
    SHOW(timer_create(clock, &event, &timer));
    return 0;
}
