#include "../show.h"
int main(void) {
    struct statx x;
    umask(0);
    int fd = open("a", O_RDWR | O_CREAT, 0641);
    write(fd, "abc", 3);
    SHOW(statx(AT_FDCWD, "a", 0, STATX_BASIC_STATS, &x));
    printf("%d %o %llu %u\n", (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS, x.stx_mode, (unsigned long long)x.stx_size, x.stx_nlink);
    SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    printf("%llu\n", (unsigned long long)x.stx_size);
    SHOW(statx(AT_FDCWD, "none", 0, STATX_SIZE, &x));
    SHOW(statx(AT_FDCWD, "a", 0, 1u << 31, &x));
    return 0;
}
