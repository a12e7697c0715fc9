#include "../show.h"
int main(void) {
    make("a", "0123456789");
    int fd = open("a", O_RDONLY);
    int copy = dup(fd);
    printf("%d\n", copy == fd + 1);
    read(fd, (char[4]){0}, 4);
    SHOW(lseek(copy, 0, SEEK_CUR));
    SHOW(dup2(fd, 20));
    SHOW(dup2(20, 20));
    SHOW(dup2(99, 20));
    SHOW(dup2(99, 99));
    SHOW(dup2(fd, -1));
    SHOW(dup3(fd, 21, O_CLOEXEC));
    SHOW(fcntl(21, F_GETFD));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup3(fd, 22, 1));
    SHOW(fcntl(fd, F_DUPFD, 30));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 30));
    SHOW(fcntl(31, F_GETFD));
    SHOW(fcntl(31, F_SETFD, 0));
    SHOW(fcntl(31, F_GETFD));
    close(fd), close(copy);
    SHOW(read(20, (char[4]){0}, 4));
    SHOW(close(20));
    SHOW(close(20));
    SHOW(dup(0) == fd);
    return 0;
}
