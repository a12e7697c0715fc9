#include "../show.h"
#include <sys/ioctl.h>
int main(void) {
    int fds[2], waiting;
    static char block[70000];
    pipe2(fds, O_NONBLOCK);
    SHOW(fcntl(fds[0], F_GETPIPE_SZ));
    SHOW(write(fds[1], block, 65000));
    SHOW(write(fds[1], block, 600));
    SHOW(ioctl(fds[0], FIONREAD, &waiting));
    printf("%d\n", waiting);
    SHOW(read(fds[0], block, 70000));
    SHOW(write(fds[1], block, 70000));
    SHOW(write(fds[1], block, 1));
    SHOW(read(fds[0], block, 70000));
    SHOW(read(fds[0], block, 1));
    return 0;
}
