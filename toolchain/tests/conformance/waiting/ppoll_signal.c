#include "../show.h"
#include <poll.h>
#include <signal.h>
static volatile int handled;
static void handle(int number) { handled = number; }
int main(void) {
    sigset_t set, empty;
    sigemptyset(&set), sigemptyset(&empty), sigaddset(&set, SIGUSR1);
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, 0);
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGUSR1);
    SHOW(ppoll(0, 0, &(struct timespec){0, 1000}, 0));
    printf("%d\n", handled);
    SHOW(ppoll(0, 0, &(struct timespec){10, 0}, &empty));
    printf("%d\n", handled == SIGUSR1);
    sigprocmask(SIG_BLOCK, 0, &set);
    printf("%d\n", sigismember(&set, SIGUSR1));
    return 0;
}
