// Intervals and times that no machine lives through: the timer fires once, and nothing wraps round.
#include "../show.h"
#include <sys/time.h>
#include <time.h>

static volatile int fired;
static void handle(int number) { fired++; }

static void real(long seconds, long micros) {
    struct itimerval timer = {{seconds, micros}, {0, 1000}}, old;
    fired = 0;
    SHOW(setitimer(ITIMER_REAL, &timer, 0));
    for (int turn = 0; turn < 5; turn++) usleep(2000);
    SHOW(getitimer(ITIMER_REAL, &old));
    printf("fired %d\n", fired);
    timer = (struct itimerval){0};
    setitimer(ITIMER_REAL, &timer, 0);
}

static void posix(long seconds, long nanos) {
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec times = {{seconds, nanos}, {0, 1000000}};
    fired = 0;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &id));
    SHOW(timer_settime(id, 0, &times, 0));
    for (int turn = 0; turn < 5; turn++) usleep(2000);
    printf("fired %d\n", fired);
    SHOW(timer_delete(id));
}

int main(void) {
    signal(SIGALRM, handle);
    signal(SIGUSR1, handle);
    long most = INT64_MAX;
    real(1L << 60, 0);
    real(most, 999999);
    real(most / 1000000000, 0);
    real(-1, 0);
    real(0, -1);
    real(0, 1000000);
    posix(1L << 60, 0);
    posix(most, 999999999);
    posix(most / 1000000000, 999999999);
    struct itimerval timer = {{0, 0}, {most, 0}}, old;
    SHOW(setitimer(ITIMER_REAL, &timer, 0));
    SHOW(getitimer(ITIMER_REAL, &old));
    printf("%d\n", old.it_value.tv_sec > 1000000000);
    // The library's alarm has its own rounding; the call rounds to the nearest second, but never to none.
    WORKS(syscall(SYS_alarm, 10));
    usleep(200000);
    SHOW(syscall(SYS_alarm, 10));
    usleep(700000);
    SHOW(syscall(SYS_alarm, 1));
    usleep(700000);
    SHOW(syscall(SYS_alarm, 0));
    SHOW(syscall(SYS_alarm, 0));
    SHOW(syscall(SYS_alarm, 0xFFFFFFFFL));
    SHOW(syscall(SYS_alarm, 0));
    return 0;
}
