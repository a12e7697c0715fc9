#include "../show.h"
#include <sys/ioctl.h>
int main(void) {
    int fd = open("a", O_RDWR | O_CREAT | O_APPEND, 0600), fds[2];
    printf("%o\n", fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0100000);
    SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
    printf("%o\n", fcntl(fd, F_GETFL) & ~0100000);
    pipe(fds);
    int on = 1;
    SHOW(ioctl(fds[0], FIONBIO, &on));
    SHOW(read(fds[0], &on, 1));
    on = 0;
    SHOW(ioctl(fds[0], FIONBIO, &on));
    SHOW(fcntl(fds[0], F_GETFL));
    SHOW(ioctl(fds[0], FIOCLEX));
    SHOW(fcntl(fds[0], F_GETFD));
    SHOW(ioctl(fd, FIONREAD, &on));
    SHOW(ioctl(fd, 0x12345, &on));
    SHOW(ioctl(99, FIONREAD, &on));
    SHOW(fcntl(fd, 12345));
    SHOW(fcntl(99, F_GETFL));
    return 0;
}
