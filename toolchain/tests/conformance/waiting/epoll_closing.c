// Descriptors that are closed, copied and used again (epoll(7), "Questions and answers").
#include "epoll_events.h"
#include <sys/eventfd.h>
int main(void) {
    int ep = epoll_create1(0), a = eventfd(1, 0), b = dup(a);
    SHOW(watch(ep, a, EPOLLIN, 1));
    SHOW(watch(ep, a, EPOLLIN, 1));
    SHOW(watch(ep, b, EPOLLIN | EPOLLONESHOT, 2));
    report("two of one file", ep, 8, 0);
    SHOW(change(ep, b, EPOLLIN, 2));
    close(a);
    report("a is closed, b is not", ep, 8, 0);
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, a, 0));
    // The number means another file now.
    int again = eventfd(1, 0);
    SHOW(again == a);
    SHOW(watch(ep, again, EPOLLIN, 3));
    report("the number again", ep, 8, 0);
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, again, 0));
    report("not the old one", ep, 8, 0);
    close(b);
    report("the file is gone", ep, 8, 0);
    // Both by one number: the old file back under it.
    int c = eventfd(1, 0), kept = dup(c);
    watch(ep, c, EPOLLIN, 4);
    dup2(again, c);
    SHOW(watch(ep, c, EPOLLIN, 5));
    report("two by one number", ep, 8, 0);
    dup2(kept, c);
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, c, 0));
    report("the first one is deleted", ep, 8, 0);
    // The epoll descriptor itself, copied and closed.
    int copy = dup(ep);
    close(ep);
    report("by the copy", copy, 8, 0);
    SHOW(watch(copy, kept, EPOLLIN, 6));
    report("by the copy", copy, 8, 0);
    close(copy);
    SHOW(eventfd_write(kept, 1));
    ep = epoll_create1(0);
    report("a new one watches nothing", ep, 8, 0);
    return 0;
}
