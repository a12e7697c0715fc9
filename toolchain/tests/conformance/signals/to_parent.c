// Signals to another process: the first one is root's, and hears none of them.
#include "../show.h"
int main(void) {
    union sigval value = {0};
    SHOW(kill(1, 0));
    SHOW(kill(1, 65));
    SHOW(sigqueue(1, 0, value));
    SHOW(kill(999999, 0));
    SHOW(sigqueue(999999, 0, value));
    WORKS(seteuid(65534));
    SHOW(kill(1, 0));
    WORKS(seteuid(0));
    WORKS(setuid(65534));
    SHOW(kill(1, 0));
    SHOW(kill(1, SIGUSR1));
    SHOW(sigqueue(1, 0, value));
    SHOW(sigqueue(1, SIGUSR1, value));
    SHOW(kill(999999, 0));
    return 0;
}
