#include "../show.h"
#include <signal.h>
static volatile int order[8], count;
static void handle(int number) { order[count++] = number; }
int main(void) {
    sigset_t set, old;
    signal(SIGUSR1, handle), signal(SIGUSR2, handle), signal(SIGINT, handle);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1), sigaddset(&set, SIGUSR2), sigaddset(&set, SIGINT);
    SHOW(sigprocmask(SIG_BLOCK, &set, &old));
    raise(SIGUSR2), raise(SIGUSR1), raise(SIGINT), raise(SIGUSR1);
    printf("%d\n", count);
    SHOW(sigpending(&set));
    printf("%d%d%d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGINT), sigismember(&set, SIGTERM));
    SHOW(sigprocmask(SIG_SETMASK, &old, &set));
    // All at once: each handler runs on top of the one before.
    for (int i = 0; i < count; i++) printf("%d ", order[i]);
    printf("\n%d\n", sigismember(&set, SIGUSR2));
    sigfillset(&set);
    SHOW(sigprocmask(SIG_BLOCK, &set, 0));
    sigprocmask(SIG_BLOCK, 0, &set);
    printf("%d\n", sigismember(&set, SIGKILL));
    SHOW(sigprocmask(99, &set, 0));
    return 0;
}
