// Calls that musl has newer ones for, by their numbers.
#include "../show.h"
#include <sys/time.h>
#include <sys/uio.h>
#include <utime.h>
static void times(const char *name) {
    struct stat about;
    stat(name, &about);
    printf("%lld.%06ld %lld.%06ld\n", (long long)about.st_atime, about.st_atim.tv_nsec / 1000,
           (long long)about.st_mtime, about.st_mtim.tv_nsec / 1000);
}
int main(void) {
    umask(022);
    int fd = syscall(SYS_creat, "f", 0666);
    SHOW(write(fd, "0123456789", 10));
    SHOW(read(fd, &fd, 0));
    SHOW(syscall(SYS_creat, "no/f", 0666));
    struct utimbuf two = {1000, 2000};
    SHOW(syscall(SYS_utime, "f", &two));
    times("f");
    SHOW(syscall(SYS_utime, "f", 0));
    SHOW(syscall(SYS_utime, "nothing", &two));
    struct timeval pair[2] = {{3000, 500}, {4000, 999999}};
    SHOW(syscall(SYS_utimes, "f", pair));
    times("f");
    pair[0].tv_usec = 1000000;
    SHOW(syscall(SYS_utimes, "f", pair));
    pair[0].tv_usec = 7;
    SHOW(syscall(SYS_futimesat, AT_FDCWD, "f", pair));
    times("f");
    SHOW(syscall(SYS_futimesat, 99, "f", pair));
    SHOW(syscall(SYS_mknodat, AT_FDCWD, "g", S_IFREG | 0666, 0));
    SHOW(syscall(SYS_mknodat, AT_FDCWD, "g", S_IFREG | 0666, 0));
    SHOW(syscall(SYS_mknodat, 99, "h", S_IFREG | 0666, 0));
    struct stat about;
    SHOW(syscall(452, AT_FDCWD, "g", 0640, 0));
    stat("g", &about);
    printf("%o\n", about.st_mode);
    SHOW(syscall(452, AT_FDCWD, "g", 0640, 0x4000));
    SHOW(syscall(452, AT_FDCWD, "nothing", 0640, 0));
    char a[4] = {0}, b[4] = {0};
    struct iovec parts[2] = {{a, 3}, {b, 3}};
    int in = open("f", O_RDONLY);
    SHOW(syscall(SYS_preadv2, in, parts, 2, 2L, 0L, 0));
    printf("%s %s\n", a, b);
    SHOW(syscall(SYS_preadv2, in, parts, 2, -1L, -1L, 0));
    printf("%s %s\n", a, b);
    SHOW(syscall(SYS_preadv2, in, parts, 2, 0L, 0L, 1 << 30));
    SHOW(syscall(SYS_preadv2, 99, parts, 2, 0L, 0L, 0));
    return 0;
}
