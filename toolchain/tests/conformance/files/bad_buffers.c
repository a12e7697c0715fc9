#include "../show.h"
int main(void) {
    make("a", "0123");
    int fd = open("a", O_RDWR);
    SHOW(syscall(SYS_read, fd, (void *)8, 4));
    SHOW(syscall(SYS_write, fd, (void *)8, 4));
    SHOW(syscall(SYS_open, (void *)8, O_RDONLY));
    SHOW(syscall(SYS_stat, "a", (void *)8));
    SHOW(syscall(SYS_readlink, "a", (void *)8, 8));
    SHOW(syscall(SYS_pipe2, (void *)8, 0));
    SHOW(syscall(SYS_getcwd, (void *)8, 100));
    SHOW(syscall(SYS_read, fd, (void *)8, 0));
    SHOW(syscall(99999));
    return 0;
}
