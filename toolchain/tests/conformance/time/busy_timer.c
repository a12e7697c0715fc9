//#differs: natively a timer of a microsecond may leave the program no time at all; here the return of a handler takes none
//#hangs: natively
// A timer whose interval is one system call's time lets the program go on.
#include "../show.h"
#include <sys/time.h>
#include <time.h>

static volatile int fired;
static void handle(int number) { fired++; }

static void work(const char *what) {
    fired = 0;
    for (int turn = 0; turn < 1000; turn++) getppid();
    printf("%s: %d\n", what, fired >= 1000);
}

int main(void) {
    signal(SIGALRM, handle);
    struct itimerval often = {{0, 1}, {0, 1}}, none = {0};
    SHOW(setitimer(ITIMER_REAL, &often, 0));
    work("setitimer");
    SHOW(setitimer(ITIMER_REAL, &none, 0));
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec as_often = {{0, 1}, {0, 1}};
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &id));
    SHOW(timer_settime(id, 0, &as_often, 0));
    work("timer_settime");
    SHOW(timer_delete(id));
    return 0;
}
