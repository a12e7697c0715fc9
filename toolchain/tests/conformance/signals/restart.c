#include "../show.h"
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
static int fds[2];
static void handle(int number) { write(fds[1], "x", 1); }
int main(void) {
    pipe(fds);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, 0);
    struct itimerval soon = {{0, 0}, {0, 5000}};
    char byte;
    setitimer(ITIMER_REAL, &soon, 0);
    SHOW(read(fds[0], &byte, 1));
    setitimer(ITIMER_REAL, &soon, 0);
    struct pollfd entry = {0 * fds[0] - 1, POLLIN};
    SHOW(poll(&entry, 1, 1000));
    SHOW(read(fds[0], &byte, 1));
    action.sa_flags = 0;
    sigaction(SIGALRM, &action, 0);
    setitimer(ITIMER_REAL, &soon, 0);
    SHOW(read(fds[0], &byte, 1));
    SHOW(read(fds[0], &byte, 1));
    SHOW(siginterrupt(SIGALRM, 0));
    return 0;
}
