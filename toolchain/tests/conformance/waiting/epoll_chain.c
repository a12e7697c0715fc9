// epoll descriptors that watch each other: events through several, edges, how deep it may go.
#include "epoll_events.h"
#include <poll.h>
#include <sys/eventfd.h>
int main(void) {
    int outer = epoll_create1(0), inner[2] = {epoll_create1(0), epoll_create1(0)}, fds[2] = {eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK)};
    eventfd_t count;
    for (int i = 0; i < 2; i++) watch(inner[i], fds[i], EPOLLIN, 10 + i);
    watch(outer, inner[0], EPOLLIN, 0), watch(outer, inner[1], EPOLLIN | EPOLLET, 1);
    report("nothing", outer, 8, 0);
    eventfd_write(fds[1], 1), eventfd_write(fds[0], 1);
    report("both", outer, 8, 0);
    report("the edge is told", outer, 8, 0);
    eventfd_write(fds[1], 1);
    report("a new edge", outer, 8, 0);
    eventfd_read(fds[0], &count);
    struct pollfd entries[2] = {{inner[0], POLLIN}, {outer, POLLIN}};
    SHOW(poll(entries, 2, 0));
    printf("%x %x\n", entries[0].revents, entries[1].revents);
    report("0 is empty", outer, 8, 0);
    report("its own", inner[1], 8, 0);
    // Both watch one file: the newer one is told first.
    watch(inner[0], fds[1], EPOLLIN, 20);
    report("0 watches it too", outer, 8, 0);
    eventfd_read(fds[1], &count);
    report("empty", outer, 8, 0);
    change(outer, inner[1], EPOLLIN, 1);
    eventfd_write(fds[1], 1);
    report("both hear", outer, 8, 0);
    close(inner[1]);
    report("one is gone", outer, 8, 0);
    SHOW(watch(outer, outer, EPOLLIN, 3));
    SHOW(watch(inner[0], outer, EPOLLIN, 3));
    // A chain, from its end, and from its start.
    for (int turn = 0; turn < 2; turn++) {
        int chain[8];
        for (int i = 0; i < 8; i++) chain[i] = epoll_create1(0);
        for (int i = 0; i < 7; i++) {
            int at = turn ? 6 - i : i;
            errno = 0;
            int result = watch(chain[at], chain[at + 1], EPOLLIN, 0);
            printf("%d: %s\n", at, result ? strerror(errno) : "watched");
        }
    }
    return 0;
}
