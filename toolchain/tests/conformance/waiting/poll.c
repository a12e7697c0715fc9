#include "../show.h"
#include <poll.h>
static void show(struct pollfd *entries, int count, int timeout) {
    printf("%d:", poll(entries, count, timeout));
    for (int i = 0; i < count; i++) printf(" %x", entries[i].revents);
    putchar('\n');
}
int main(void) {
    int fds[2];
    pipe(fds);
    make("f", "x");
    struct pollfd entries[4] = {{fds[0], POLLIN}, {fds[1], POLLOUT}, {open("f", O_RDWR), POLLIN | POLLOUT}, {-1, POLLIN}};
    show(entries, 4, 0);
    write(fds[1], "x", 1);
    show(entries, 4, -1);
    show(entries, 1, -1);
    struct pollfd bad = {99, POLLIN};
    show(&bad, 1, 100);
    read(fds[0], (char[1]){0}, 1);
    show(entries, 1, 5);
    close(fds[1]);
    show(entries, 1, -1);
    pipe(fds);
    close(fds[0]);
    struct pollfd broken = {fds[1], POLLOUT};
    show(&broken, 1, -1);
    SHOW(poll(0, 0, 5));
    return 0;
}
