// Real-time signals queue up to a limit; then sending says so, and nothing that was queued is lost.
#include "../show.h"
#include <sys/resource.h>

static int sent, came, others;
static void handle(int number) { came++; }
static void other(int number) { others++; }

int main(void) {
    signal(SIGRTMIN, handle);
    signal(SIGUSR1, other);
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    // The limit counts what others of the same user have, so that nobody can say how many.
    struct rlimit limit = {1000, 1000};
    SHOW(setrlimit(RLIMIT_SIGPENDING, &limit));
    while (sent < 2000 && sigqueue(getpid(), SIGRTMIN, (union sigval){sent}) == 0) sent++;
    printf("%d %s\n", sent < 2000, strerror(errno));
    SHOW(raise(SIGRTMIN));
    SHOW(kill(getpid(), SIGRTMIN));
    SHOW(kill(getpid(), SIGUSR1));
    SHOW(sigqueue(getpid(), SIGUSR1, (union sigval){1}));
    SHOW(sigqueue(getpid(), 0, (union sigval){1}));
    sigprocmask(SIG_SETMASK, &before, 0);
    printf("%d %d\n", came == sent, others);
    return 0;
}
