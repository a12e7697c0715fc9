// What a timer's signal says of the expirations that came while it was blocked.
#include "../show.h"
#include <time.h>
static volatile int heard, overrun;
static void on_signal(int number, siginfo_t *info, void *context) {
    heard++;
    overrun = info->si_overrun;
}
int main(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 7};
    timer_t timer;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    SHOW(timer_getoverrun(timer));
    sigprocmask(SIG_BLOCK, &set, 0);
    struct itimerspec setting = {.it_value.tv_nsec = 50000000, .it_interval.tv_nsec = 50000000}, off = {0};
    SHOW(timer_settime(timer, 0, &setting, 0));
    // Expirations at 50, 100, … 250 ms: one signal, and four more.
    struct timespec nap = {.tv_nsec = 275000000};
    nanosleep(&nap, 0);
    SHOW(timer_getoverrun(timer));
    sigprocmask(SIG_UNBLOCK, &set, 0);
    SHOW(timer_settime(timer, 0, &off, 0));
    printf("heard %d, overrun %d\n", heard, overrun);
    // By sigwaitinfo, and with the signal also pending for another reason.
    sigprocmask(SIG_BLOCK, &set, 0);
    SHOW(timer_settime(timer, 0, &setting, 0));
    nap.tv_nsec = 125000000;
    nanosleep(&nap, 0);
    siginfo_t info;
    SHOW(sigwaitinfo(&set, &info) == SIGUSR1);
    printf("code %d, value %d, overrun %d\n", info.si_code == SI_TIMER, info.si_value.sival_int, info.si_overrun);
    SHOW(timer_getoverrun(timer));
    // Ignored, and heard again: nothing stays stuck.
    nanosleep(&nap, 0);
    signal(SIGUSR1, SIG_IGN);
    sigaction(SIGUSR1, &action, 0);
    nap.tv_nsec = 60000000;
    nanosleep(&nap, 0);
    SHOW(sigwaitinfo(&set, &info) == SIGUSR1);
    // Far too often to be counted one by one.
    setting.it_interval.tv_nsec = setting.it_value.tv_nsec = 100;
    SHOW(timer_settime(timer, 0, &setting, 0));
    nap.tv_nsec = 200000000;
    nanosleep(&nap, 0);
    SHOW(sigwaitinfo(&set, &info) == SIGUSR1);
    SHOW(info.si_overrun > 1000000);
    SHOW(timer_settime(timer, 0, &off, 0));
    SHOW(timer_delete(timer));
    SHOW(timer_getoverrun(timer));
    return 0;
}
