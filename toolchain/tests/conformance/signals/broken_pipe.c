//#status: 141
#include "../show.h"
#include <signal.h>
int main(void) {
    int fds[2];
    pipe(fds);
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(fds[1], "x", 1));
    signal(SIGPIPE, SIG_DFL);
    write(fds[1], "x", 1);
    puts("not reached");
    return 0;
}
