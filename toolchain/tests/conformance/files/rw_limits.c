#include "../show.h"
#include <sys/resource.h>
int main(void) {
    struct rlimit limit = {6, 100};
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    SHOW(open("/dev/null", O_RDONLY));
    SHOW(dup(0));
    SHOW(open("/dev/null", O_RDONLY));
    SHOW(open("/dev/null", O_RDONLY));
    SHOW(dup(0));
    SHOW(dup2(0, 6));
    SHOW(dup2(0, 5));
    SHOW(pipe((int[2]){0}));
    SHOW(close(4));
    SHOW(open("/dev/null", O_RDONLY));
    SHOW(fcntl(0, F_DUPFD, 10));
    return 0;
}
