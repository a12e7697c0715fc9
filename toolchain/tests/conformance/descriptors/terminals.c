#include "../show.h"
#include <sys/ioctl.h>
#include <termios.h>
int main(void) {
    struct termios termios;
    struct winsize size;
    for (int fd = 0; fd < 3; fd++) SHOW(isatty(fd));
    SHOW(tcgetattr(1, &termios));
    SHOW(ioctl(1, TIOCGWINSZ, &size));
    SHOW((intptr_t)ttyname(1));
    SHOW((intptr_t)ctermid(0) != 0);
    SHOW(isatty(99));
    return 0;
}
