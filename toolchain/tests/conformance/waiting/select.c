#include "../show.h"
#include <sys/select.h>
int main(void) {
    int fds[2];
    pipe(fds);
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fds[0], &in), FD_SET(fds[1], &out);
    SHOW(select(fds[1] + 1, &in, &out, 0, 0));
    printf("%d %d\n", FD_ISSET(fds[0], &in) != 0, FD_ISSET(fds[1], &out) != 0);
    write(fds[1], "x", 1);
    FD_SET(fds[0], &in);
    SHOW(select(fds[1] + 1, &in, 0, 0, &(struct timeval){1, 0}));
    read(fds[0], (char[1]){0}, 1);
    SHOW(select(fds[1] + 1, &in, 0, 0, &(struct timeval){0, 3000}));
    printf("%d\n", FD_ISSET(fds[0], &in) != 0);
    SHOW(select(0, 0, 0, 0, &(struct timeval){0, 1000}));
    SHOW(pselect(0, 0, 0, 0, &(struct timespec){0, 1000}, 0));
    FD_ZERO(&in);
    /* Linux looks no further than its table of descriptors, which has at least 64. */
    FD_SET(40, &in);
    SHOW(select(41, &in, 0, 0, 0));
    SHOW(select(-1, 0, 0, 0, 0));
    SHOW(select(0, 0, 0, 0, &(struct timeval){-1, 0}));
    return 0;
}
