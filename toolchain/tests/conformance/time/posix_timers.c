#include "../show.h"
#include <signal.h>
#include <time.h>
static volatile int fired, value;
static void handle(int number, siginfo_t *info, void *context) { fired++, value = info->si_value.sival_int; }
int main(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
    timer_t timer;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec spec = {{0, 2000000}, {0, 1000000}}, now;
    SHOW(timer_settime(timer, 0, &spec, 0));
    while (fired < 3) pause();
    SHOW(timer_gettime(timer, &now));
    printf("%ld %d\n", now.it_interval.tv_nsec, value);
    SHOW(timer_getoverrun(timer) >= 0);
    spec = (struct itimerspec){0};
    SHOW(timer_settime(timer, 0, &spec, &now));
    SHOW(timer_delete(timer));
    SHOW(timer_delete(timer));
    SHOW(timer_create(99, &event, &timer));
    return 0;
}
