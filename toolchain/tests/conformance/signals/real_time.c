#include "../show.h"
#include <signal.h>
static volatile int count, sum;
static void handle(int number, siginfo_t *info, void *context) { count++, sum = sum * 10 + info->si_value.sival_int; }
int main(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &action, 0), sigaction(SIGUSR1, &action, 0);
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    for (int i = 1; i < 4; i++) {
        SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
        SHOW(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 9}));
    }
    sigprocmask(SIG_UNBLOCK, &set, 0);
    printf("%d %d\n", count, sum);
    return 0;
}
