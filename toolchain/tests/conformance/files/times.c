#include "../show.h"
#include <sys/time.h>
#include <utime.h>
static void show_times(const char *name) {
    struct stat st;
    lstat(name, &st);
    printf("%ld.%09ld %ld.%09ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}
int main(void) {
    make("a", "x");
    SHOW(utimensat(AT_FDCWD, "a", (struct timespec[]){{1, 2}, {3, 4}}, 0));
    show_times("a");
    SHOW(utimensat(AT_FDCWD, "a", (struct timespec[]){{9, UTIME_OMIT}, {5, 6}}, 0));
    show_times("a");
    SHOW(utimensat(AT_FDCWD, "a", (struct timespec[]){{9, 1000000000}, {5, 6}}, 0));
    SHOW(utimes("a", (struct timeval[]){{10, 20}, {30, 40}}));
    show_times("a");
    SHOW(utime("a", &(struct utimbuf){100, 200}));
    show_times("a");
    int fd = open("a", O_RDWR);
    SHOW(futimens(fd, (struct timespec[]){{7, 8}, {-9, 10}}));
    show_times("a");
    symlink("a", "s");
    SHOW(utimensat(AT_FDCWD, "s", (struct timespec[]){{11, 0}, {12, 0}}, AT_SYMLINK_NOFOLLOW));
    show_times("s");
    show_times("a");
    struct stat before, after;
    write(fd, "y", 1);
    fstat(fd, &after);
    printf("%d\n", after.st_mtim.tv_sec > 1000);
    SHOW(futimens(fd, 0));
    stat("a", &before);
    printf("%d\n", before.st_atim.tv_sec > 1000);
    SHOW(utimensat(AT_FDCWD, "none", 0, 0));
    return 0;
}
