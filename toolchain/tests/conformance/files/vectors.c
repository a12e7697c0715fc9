// preadv2 and pwritev2 with flags and places; vectors that end early.
#include "../show.h"
#include <sys/uio.h>
int main(void) {
    int f = open("f", O_RDWR | O_CREAT, 0600);
    struct iovec v[3] = {{"one", 3}, {0, 0}, {"three", 5}};
    SHOW(pwritev(f, v, 3, 10));
    SHOW(lseek(f, 0, SEEK_CUR));
    SHOW(pwritev2(f, v, 1, -1, 0));
    SHOW(lseek(f, 0, SEEK_CUR));
    SHOW(pwritev2(f, v, 1, 0, RWF_APPEND));
    SHOW(lseek(f, 0, SEEK_CUR));
    SHOW(lseek(f, 0, SEEK_END));
    SHOW(pwritev2(f, v, 1, 0, 0x40000000));
    SHOW(fcntl(f, F_GETFL) & O_APPEND);
    char a[4] = "...", b[16] = "...............";
    struct iovec r[2] = {{a, 3}, {b, 15}};
    SHOW(preadv(f, r, 2, 9));
    for (int i = 0; i < 3; i++) printf("%02x ", (unsigned char)a[i]);
    printf("%.15s\n", b);
    SHOW(preadv2(f, r, 2, -1, 0));
    SHOW(lseek(f, 0, SEEK_CUR));
    SHOW(preadv(f, r, 2, 1000));
    SHOW(preadv(f, r, 2, -5));
    SHOW(readv(f, r, -1));
    SHOW(readv(f, r, 1025));
    SHOW(readv(f, r, 0));
    struct iovec bad[2] = {{a, 3}, {(void *)8, 5}};
    lseek(f, 0, SEEK_SET);
    SHOW(readv(f, bad, 2));
    SHOW(writev(f, &bad[1], 1));
    struct iovec huge[2] = {{a, SIZE_MAX / 2}, {b, SIZE_MAX / 2}};
    SHOW(readv(f, huge, 2));
    return 0;
}
