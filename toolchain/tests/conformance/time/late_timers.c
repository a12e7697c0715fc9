// A timer that is set to a time that has been has expired as often as it would have since, and keeps its step.
#include "../show.h"
#include <sys/timerfd.h>
#include <time.h>

enum { STEP = 1000000 };

static void show(const char *what, struct itimerspec now, long since) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    long next = at.tv_sec + now.it_value.tv_sec - since;
    printf("%s: next in step %d\n", what,
           (next + 2) % STEP < 5);
}

int main(void) {
    struct itimerspec times = {{STEP, 0}, {77, 0}}, now;
    uint64_t expired = 0;
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &times, 0));
    SHOW(timerfd_gettime(fd, &now));
    SHOW(read(fd, &expired, 8));
    printf("%d\n", expired == (at.tv_sec - 77) / STEP + 1);
    show("timerfd", now, 77);
    SHOW(read(fd, &expired, 8));
    // Once, for one without an interval.
    times.it_interval.tv_sec = 0;
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &times, 0));
    SHOW(read(fd, &expired, 8));
    printf("%lu\n", (unsigned long)expired);
    SHOW(read(fd, &expired, 8));

    times.it_interval.tv_sec = STEP;
    timer_t id;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    SHOW(timer_create(CLOCK_REALTIME, &event, &id));
    SHOW(timer_settime(id, TIMER_ABSTIME, &times, 0));
    siginfo_t info;
    SHOW(sigwaitinfo(&set, &info));
    printf("%d\n", info.si_overrun == (at.tv_sec - 77) / STEP);
    SHOW(timer_gettime(id, &now));
    show("timer", now, 77);
    SHOW(sigtimedwait(&set, &info, &(struct timespec){0, 1000}));
    return 0;
}
