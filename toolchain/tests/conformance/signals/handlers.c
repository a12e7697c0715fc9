#include "../show.h"
#include <signal.h>
#include <ucontext.h>
static volatile int count;
static siginfo_t seen;
static void handle(int number) { count += number; }
static void inform(int number, siginfo_t *info, void *context) { seen = *info, count += ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] != 0; }
int main(void) {
    struct sigaction action = {.sa_handler = handle}, old;
    SHOW(sigaction(SIGUSR1, &action, &old));
    printf("%d\n", old.sa_handler == SIG_DFL);
    SHOW(raise(SIGUSR1));
    printf("%d\n", count == SIGUSR1);
    action.sa_sigaction = inform, action.sa_flags = SA_SIGINFO;
    SHOW(sigaction(SIGUSR2, &action, 0));
    count = 0;
    SHOW(kill(getpid(), SIGUSR2));
    printf("%d %d %d\n", count, seen.si_signo == SIGUSR2, seen.si_code == SI_USER);
    raise(SIGUSR2);
    printf("%d %d\n", seen.si_code == SI_TKILL, seen.si_pid == getpid());
    action.sa_flags = SA_RESETHAND, action.sa_handler = handle;
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    sigaction(SIGUSR1, 0, &old);
    printf("%d\n", old.sa_handler == SIG_DFL);
    SHOW(sigaction(SIGKILL, &action, 0));
    SHOW(sigaction(99, &action, 0));
    SHOW(signal(SIGCHLD, SIG_IGN) == SIG_DFL);
    SHOW(raise(SIGCHLD));
    SHOW(raise(SIGWINCH));
    return 0;
}
