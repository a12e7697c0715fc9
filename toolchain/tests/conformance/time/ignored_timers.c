// Timers whose signal nobody hears do not make a long sleep a long way.
#include "../show.h"
#include <sys/time.h>
#include <time.h>

int main(void) {
    struct itimerval often = {{0, 1}, {0, 1}}, none = {0};
    struct itimerspec as_often = {{0, 100}, {0, 100}};
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    signal(SIGALRM, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &id));
    SHOW(setitimer(ITIMER_REAL, &often, 0));
    SHOW(timer_settime(id, 0, &as_often, 0));
    SHOW(sleep(1));
    SHOW(timer_delete(id));
    SHOW(setitimer(ITIMER_REAL, &none, 0));
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_BLOCK, &set, &old);
    SHOW(setitimer(ITIMER_REAL, &often, 0));
    SHOW(sleep(1));
    SHOW(sigtimedwait(&set, 0, &(struct timespec){0}));
    SHOW(setitimer(ITIMER_REAL, &none, 0));
    return 0;
}
