// A timer that is gone leaves no signal to the next one of its number.
#include "../show.h"
#include <time.h>

static volatile int fired;
static void handle(int number) { fired++; }

static timer_t once(int signal) {
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &id));
    struct itimerspec times = {{0, 0}, {0, 1000000}};
    SHOW(timer_settime(id, 0, &times, 0));
    return id;
}

int main(void) {
    signal(SIGALRM, handle);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, 0);
    timer_t first = once(SIGUSR2);
    usleep(5000);
    SHOW(timer_delete(first));
    timer_t second = once(SIGALRM);
    usleep(5000);
    printf("fired %d\n", fired);
    SHOW(timer_getoverrun(second));
    SHOW(timer_delete(second));
    return 0;
}
