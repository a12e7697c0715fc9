// What is asked of terminals, of descriptors that are none.
#include "../show.h"
#include <sys/ioctl.h>
#include <termios.h>
int main(void) {
    make("f", "text");
    int file = open("f", O_RDWR), pair[2];
    pipe(pair);
    write(pair[1], "abc", 3);
    struct termios mode;
    struct winsize size;
    int count, group;
    for (int i = 0; i < 2; i++) {
        int fd = i ? pair[0] : file;
        SHOW(ioctl(fd, TCGETS, &mode));
        SHOW(tcgetattr(fd, &mode));
        SHOW(tcsetattr(fd, TCSANOW, &mode));
        SHOW(ioctl(fd, TIOCGWINSZ, &size));
        SHOW(ioctl(fd, TIOCGPGRP, &group));
        SHOW(tcgetpgrp(fd));
        SHOW(ioctl(fd, FIONREAD, &count));
        printf("%d\n", count);
    }
    int on = 1;
    SHOW(ioctl(pair[0], FIONBIO, &on));
    SHOW(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
    read(pair[0], &mode, 3);
    SHOW(read(pair[0], &mode, 1));
    SHOW(ioctl(pair[0], FIOCLEX));
    SHOW(fcntl(pair[0], F_GETFD));
    SHOW(ioctl(pair[0], FIONCLEX));
    SHOW(fcntl(pair[0], F_GETFD));
    SHOW(ioctl(file, 0x12345, &count));
    SHOW(ioctl(99, TCGETS, &mode));
    SHOW(ttyname(file) == 0);
    return 0;
}
