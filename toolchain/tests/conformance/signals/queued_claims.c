// A signal that says a timer sent it comes as it was sent: it is no timer's.
#include "../show.h"
#include <time.h>

static void handle(int number, siginfo_t *info, void *context) {
    printf("code %d, sender %d %d, value %d\n", info->si_code, info->si_pid == getpid(), info->si_uid, info->si_value.sival_int);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &id));
    siginfo_t info = {.si_code = SI_TIMER, .si_signo = SIGUSR1};
    info.si_pid = getpid();
    info.si_uid = 12345;
    info.si_value.sival_int = 7;
    sigprocmask(SIG_BLOCK, &set, 0);
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
    SHOW(timer_delete(id));
    sigprocmask(SIG_UNBLOCK, &set, 0);
    info.si_code = SI_QUEUE;
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
    info.si_code = SI_USER;
    info.si_pid = 1;
    WORKS(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info));
    return 0;
}
