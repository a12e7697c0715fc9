// SA_RESETHAND, SA_NODEFER, SIG_IGN, what cannot be caught, and what a mask may not hold.
#include "../show.h"
static int depth, deepest, count;
static void nested(int number) {
    count++;
    if (++depth > deepest) deepest = depth;
    if (count < 4) raise(number);
    depth--;
}
static void once(int number) { count++; }
int main(void) {
    struct sigaction action = {.sa_handler = nested, .sa_flags = SA_NODEFER}, old;
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    printf("without deferring: %d deep, %d\n", deepest, count);
    action.sa_flags = 0, count = depth = deepest = 0;
    sigaction(SIGUSR1, &action, &old);
    printf("%d\n", (old.sa_flags & SA_NODEFER) != 0);
    raise(SIGUSR1);
    printf("deferred: %d deep, %d\n", deepest, count);
    action.sa_handler = once, action.sa_flags = SA_RESETHAND, count = 0;
    sigaction(SIGUSR2, &action, 0);
    raise(SIGUSR2);
    sigaction(SIGUSR2, 0, &old);
    printf("once: %d, then the default: %d\n", count, old.sa_handler == SIG_DFL);
    signal(SIGUSR2, SIG_IGN);
    raise(SIGUSR2);
    SHOW(sigaction(SIGKILL, &action, 0));
    SHOW(sigaction(SIGSTOP, &action, 0));
    SHOW(sigaction(SIGKILL, 0, &old));
    SHOW(sigaction(0, &action, 0));
    SHOW(sigaction(65, &action, 0));
    sigset_t set, now;
    sigfillset(&set);
    SHOW(sigprocmask(SIG_SETMASK, &set, 0));
    SHOW(sigprocmask(SIG_BLOCK, 0, &now));
    printf("%d %d %d\n", sigismember(&now, SIGKILL), sigismember(&now, SIGSTOP), sigismember(&now, SIGTERM));
    SHOW(sigprocmask(99, &set, 0));
    raise(SIGTERM);
    sigpending(&now);
    printf("pending: %d\n", sigismember(&now, SIGTERM));
    signal(SIGTERM, SIG_IGN);
    sigpending(&now);
    printf("ignored: %d\n", sigismember(&now, SIGTERM));
    SHOW(kill(getpid(), 0));
    SHOW(kill(getpid(), 99));
    return 0;
}
