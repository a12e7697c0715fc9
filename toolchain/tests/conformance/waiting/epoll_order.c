// The order of events: that in which files became ready; what stays ready goes behind all others each time.
#include "epoll_events.h"
#include <sys/eventfd.h>
int main(void) {
    int ep = epoll_create1(0), fds[6];
    for (int i = 0; i < 6; i++) {
        fds[i] = eventfd(0, EFD_NONBLOCK);
        watch(ep, fds[i], EPOLLIN, i);
    }
    const int order[] = {4, 1, 5, 0};
    for (int i = 0; i < 4; i++) eventfd_write(fds[order[i]], 1);
    report("as they came", ep, 64, 0);
    report("two", ep, 2, 0);
    report("the others before these", ep, 64, 0);
    eventfd_t count;
    eventfd_read(fds[1], &count);
    report("without 1", ep, 64, 0);
    eventfd_write(fds[1], 1), eventfd_write(fds[2], 1);
    report("1 and 2 last", ep, 64, 0);
    report("one", ep, 1, 0);
    eventfd_write(fds[3], 1);
    report("3 behind the one", ep, 64, 0);
    // Gone, and back behind all.
    epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], 0);
    report("without 0", ep, 64, 0);
    watch(ep, fds[0], EPOLLIN, 10);
    report("0 is back", ep, 64, 0);
    // A change does not move what is ready.
    change(ep, fds[4], EPOLLIN | EPOLLOUT, 14);
    report("4 asks for more", ep, 64, 0);
    change(ep, fds[4], 0, 24);
    report("4 asks for nothing", ep, 64, 0);
    change(ep, fds[4], EPOLLIN, 4);
    report("4 asks again", ep, 64, 0);
    // Read and written again without a wait between: its place is the old one.
    eventfd_read(fds[5], &count), eventfd_write(fds[5], 1);
    report("5 came again", ep, 64, 0);
    // Twice by two descriptors: the newer watch is told first.
    int copy = dup(fds[2]);
    eventfd_read(fds[2], &count);
    watch(ep, copy, EPOLLIN, 12);
    report("2 is empty", ep, 64, 0);
    eventfd_write(fds[2], 1);
    report("2 by two descriptors", ep, 64, 0);
    return 0;
}
