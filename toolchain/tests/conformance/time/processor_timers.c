// Interval timers that count processor time.
#include "../show.h"
#include <sys/time.h>
#include <time.h>
static volatile int fired[2];
static void handle(int number) { fired[number == SIGPROF]++; }
int main(void) {
    signal(SIGVTALRM, handle);
    signal(SIGPROF, handle);
    struct itimerval timer = {{0, 1000}, {0, 2000}}, old;
    SHOW(setitimer(ITIMER_VIRTUAL, &timer, 0));
    SHOW(setitimer(ITIMER_PROF, &timer, 0));
    SHOW(getitimer(ITIMER_PROF, &old));
    printf("%ld\n", (long)old.it_interval.tv_usec);
    struct timespec now;
    while (fired[0] < 3 || fired[1] < 3) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        for (volatile int i = 0; i < 1000; i++) {}
    }
    timer = (struct itimerval){0};
    SHOW(setitimer(ITIMER_VIRTUAL, &timer, &old));
    printf("%ld\n", (long)old.it_interval.tv_usec);
    SHOW(setitimer(ITIMER_PROF, &timer, 0));
    SHOW(getitimer(ITIMER_VIRTUAL, &old));
    printf("%ld %ld\n", (long)old.it_interval.tv_usec, (long)old.it_value.tv_usec);
    SHOW(setitimer(3, &timer, 0));
    return 0;
}
