#include "../show.h"
#include <sys/uio.h>
int main(void) {
    make("a", "abcdefghij");
    int fd = open("a", O_RDWR);
    char x[4] = "", y[5] = "";
    struct iovec parts[3] = {{x, 3}, {0, 0}, {y, 4}};
    SHOW(readv(fd, parts, 3));
    printf("%s %s\n", x, y);
    SHOW(preadv(fd, parts, 3, 5));
    printf("%.3s %.2s\n", x, y);
    SHOW(pwritev(fd, parts, 3, 20));
    SHOW(pwrite(fd, "Z", 1, 0));
    SHOW(pread(fd, x, 3, -1));
    SHOW(pread(fd, x, 3, 100));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(writev(fd, parts, -1));
    SHOW(writev(fd, parts, 2000));
    SHOW(writev(fd, parts, 0));
    SHOW(preadv2(fd, parts, 1, 0, 0));
    SHOW(preadv2(fd, parts, 1, -1, 0));
    SHOW(lseek(fd, 0, SEEK_END));
    return 0;
}
