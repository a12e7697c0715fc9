#include "../show.h"
#include <signal.h>
#include <sys/time.h>
static volatile int fired;
static void handle(int number) { fired++; }
int main(void) {
    signal(SIGALRM, handle);
    struct itimerval timer = {{0, 2000}, {0, 3000}}, old;
    SHOW(setitimer(ITIMER_REAL, &timer, 0));
    while (fired < 3) pause();
    SHOW(getitimer(ITIMER_REAL, &old));
    printf("%ld %d\n", (long)old.it_interval.tv_usec, old.it_value.tv_sec == 0);
    timer = (struct itimerval){0};
    SHOW(setitimer(ITIMER_REAL, &timer, &old));
    printf("%ld\n", (long)old.it_interval.tv_usec);
    SHOW(fired >= 3);
    SHOW(getitimer(99, &old));
    timer.it_value.tv_usec = 1000000;
    SHOW(setitimer(ITIMER_REAL, &timer, 0));
    SHOW(alarm(10));
    SHOW(alarm(0));
    SHOW(alarm(0));
    SHOW(ualarm(1000, 0));
    pause();
    puts("woken");
    return 0;
}
