#include "../show.h"
int main(void) {
    make("a", "text");
    int fd = open("a", O_RDONLY), fds[2];
    pipe(fds);
    char path[64], target[4096] = "", base[4096];
    sprintf(path, "/proc/self/fd/%d", fd);
    getcwd(base, sizeof base);
    SHOW(readlink(path, target, sizeof target) > 0);
    puts(target + strlen(base));
    int again = open(path, O_RDONLY);
    WORKS(again);
    SHOW(read(again, target, 4));
    SHOW(lseek(fd, 0, SEEK_CUR));
    sprintf(path, "/dev/fd/%d", fds[0]);
    memset(target, 0, 64);
    readlink(path, target, sizeof target);
    printf("%.5s\n", target);
    SHOW(readlink("/proc/self/fd/99", target, sizeof target));
    struct stat st;
    sprintf(path, "/proc/self/fd/%d", fd);
    lstat(path, &st);
    printf("%d\n", S_ISLNK(st.st_mode));
    stat(path, &st);
    printf("%d %ld\n", S_ISREG(st.st_mode), (long)st.st_size);
    return 0;
}
