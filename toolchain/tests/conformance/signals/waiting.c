#include "../show.h"
#include <signal.h>
#include <time.h>
static volatile int handled;
static void handle(int number) { handled = number; }
int main(void) {
    sigset_t set, empty;
    sigemptyset(&empty), sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    signal(SIGUSR1, handle);
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGUSR1);
    siginfo_t info;
    SHOW(sigwaitinfo(&set, &info) == SIGUSR1);
    SHOW(info.si_signo == SIGUSR1);
    printf("%d\n", handled);
    SHOW(sigtimedwait(&set, 0, &(struct timespec){0, 1000000}));
    raise(SIGUSR1);
    SHOW(sigsuspend(&empty));
    printf("%d\n", handled == SIGUSR1);
    sigprocmask(SIG_BLOCK, 0, &set);
    printf("%d\n", sigismember(&set, SIGUSR1));
    signal(SIGALRM, handle);
    alarm(1);
    SHOW(pause());
    printf("%d\n", handled == SIGALRM);
    alarm(1);
    struct timespec left;
    SHOW(nanosleep(&(struct timespec){10, 0}, &left));
    SHOW(left.tv_sec >= 8 && left.tv_sec < 10);
    return 0;
}
