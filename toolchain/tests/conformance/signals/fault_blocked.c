// A signal that an instruction raises while it is blocked ends the program, whatever handler it has.
//#status: 136
//#stderr: division by zero
#include "../show.h"
static void handle(int number) {
    write(1, "handled\n", 8);
    _exit(1);
}
int main(void) {
    signal(SIGFPE, handle);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGFPE);
    SHOW(sigprocmask(SIG_BLOCK, &set, 0));
    fflush(stdout);
    volatile int seven = 7, zero = 0;
    return seven / zero;
}
