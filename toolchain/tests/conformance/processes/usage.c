#include "../show.h"
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>
int main(void) {
    struct rusage usage;
    SHOW(getrusage(RUSAGE_SELF, &usage));
    printf("%d %d\n", usage.ru_utime.tv_sec >= 0, usage.ru_maxrss > 0);
    SHOW(getrusage(RUSAGE_CHILDREN, &usage));
    printf("%ld\n", (long)usage.ru_utime.tv_sec);
    SHOW(getrusage(RUSAGE_THREAD, &usage));
    SHOW(getrusage(99, &usage));
    struct tms times_now;
    SHOW(times(&times_now) > 0);
    printf("%d %ld\n", times_now.tms_utime >= 0, (long)times_now.tms_cutime);
    SHOW(clock() >= 0);
    SHOW(sysconf(_SC_CLK_TCK));
    return 0;
}
