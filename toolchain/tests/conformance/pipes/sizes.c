// Pipes that are made larger and smaller.
#include "../show.h"
int main(void) {
    int fds[2];
    static char data[1 << 20];
    pipe2(fds, O_NONBLOCK);
    SHOW(fcntl(fds[0], F_GETPIPE_SZ));
    SHOW(fcntl(fds[1], F_SETPIPE_SZ, 4096));
    SHOW(write(fds[1], data, 5000));
    SHOW(write(fds[1], data, 1));
    SHOW(fcntl(fds[1], F_SETPIPE_SZ, 100000));
    SHOW(write(fds[1], data, sizeof data));
    SHOW(fcntl(fds[1], F_SETPIPE_SZ, 4096));
    SHOW(read(fds[0], data, sizeof data));
    SHOW(fcntl(fds[0], F_SETPIPE_SZ, 1));
    SHOW(fcntl(1, F_SETPIPE_SZ + 1000, 1));
    return 0;
}
