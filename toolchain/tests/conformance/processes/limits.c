#include "../show.h"
#include <sys/resource.h>
int main(void) {
    struct rlimit limit, old;
    SHOW(getrlimit(RLIMIT_NOFILE, &limit));
    printf("%d\n", limit.rlim_cur >= 256 && limit.rlim_max >= limit.rlim_cur);
    SHOW(getrlimit(RLIMIT_STACK, &limit));
    printf("%d\n", limit.rlim_cur >= 1 << 20);
    SHOW(getrlimit(99, &limit));
    limit = (struct rlimit){100, 50};
    SHOW(setrlimit(RLIMIT_CPU, &limit));
    limit = (struct rlimit){64, 64};
    SHOW(prlimit(0, RLIMIT_NOFILE, &limit, &old));
    SHOW(getrlimit(RLIMIT_NOFILE, &limit));
    printf("%ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
    SHOW(sysconf(_SC_OPEN_MAX));
    return 0;
}
