// RLIMIT_FSIZE: a write up to it is short, one behind it is refused with a signal.
#include "../show.h"
#include <sys/resource.h>
static volatile int signals;
static void count(int number) { signals++; }
int main(void) {
    static char block[4096];
    struct rlimit limit = {1000, RLIM_INFINITY};
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    signal(SIGXFSZ, count);
    SHOW(setrlimit(RLIMIT_FSIZE, &limit));
    SHOW(write(fd, block, 600));
    SHOW(write(fd, block, 600));
    SHOW(signals);
    SHOW(write(fd, block, 1));
    SHOW(signals);
    SHOW(write(fd, block, 0));
    SHOW(pwrite(fd, block, 2000, 0));
    SHOW(pwrite(fd, block, 10, 1000));
    SHOW(signals);
    SHOW(ftruncate(fd, 1000));
    SHOW(ftruncate(fd, 1001));
    SHOW(signals);
    SHOW(truncate("file", 2000));
    SHOW(signals);
    SHOW(lseek(fd, 0, SEEK_END));
    int ends[2];
    pipe(ends);
    SHOW(write(ends[1], block, 2000));
    SHOW(signals);
    signal(SIGXFSZ, SIG_IGN);
    SHOW(pwrite(fd, block, 1, 5000));
    return 0;
}
