// The clock starts where the manifest says, not where the host is.
//#differs: the clock starts at a fixed time and moves with system calls and waits alone
#include "../show.h"
#include <time.h>
int main(void) {
    struct timespec a, b;
    clock_gettime(CLOCK_REALTIME, &a);
    sleep(1);
    clock_gettime(CLOCK_REALTIME, &b);
    printf("%ld %ld %d\n", (long)a.tv_sec, (long)(b.tv_sec - a.tv_sec), a.tv_nsec < 1000000);
    return 0;
}
