// Devices by their other names, and what they do beyond reading.
//#stdin: abc
#include "../show.h"
#include <sys/mman.h>
int main(void) {
    unsigned char a[64], b[64];
    int random = open("/dev/random", O_RDONLY);
    SHOW(read(random, a, sizeof a));
    SHOW(read(random, b, sizeof b));
    printf("%d\n", memcmp(a, b, sizeof a) != 0);
    SHOW(read(random, a, 0));
    SHOW(write(open("/dev/urandom", O_WRONLY), "x", 1));
    int zero = open("/dev/zero", O_RDWR);
    memset(a, 1, sizeof a);
    SHOW(read(zero, a, sizeof a));
    SHOW(a[0] + a[63]);
    SHOW(write(zero, "abc", 3));
    SHOW(lseek(zero, 100, SEEK_SET));
    int null = open("/dev/null", O_RDWR | O_TRUNC);
    SHOW(write(null, "abc", 3));
    SHOW(read(null, a, 1));
    SHOW(pread(null, a, 1, 100));
    struct stat about;
    SHOW(stat("/dev/null", &about));
    printf("%d %d\n", S_ISCHR(about.st_mode), about.st_rdev == 0x103);
    SHOW(open("/dev/nothing", O_RDONLY));
    char text[8];
    SHOW(read(open("/dev/stdin", O_RDONLY), text, sizeof text));
    SHOW(write(open("/dev/fd/1", O_WRONLY), "by number\n", 10));
    SHOW(write(open("/dev/stdout", O_WRONLY), "by name\n", 8));
    return 0;
}
