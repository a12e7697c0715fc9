// EPOLLONESHOT, EPOLLEXCLUSIVE, errors of epoll_ctl, events that cannot be stored.
#include "epoll_events.h"
#include <sys/eventfd.h>
#include <sys/mman.h>
int main(void) {
    int ep = epoll_create1(0), other = epoll_create1(0), a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, 0);
    struct epoll_event event = {EPOLLIN, {.u64 = 9}}, events[4];
    SHOW(watch(ep, a, EPOLLIN | EPOLLONESHOT, 1));
    eventfd_write(a, 1);
    report("once", ep, 8, 0);
    eventfd_write(a, 1);
    report("no more", ep, 8, 0);
    SHOW(change(ep, a, EPOLLIN | EPOLLONESHOT | EPOLLET, 2));
    report("armed again", ep, 8, 0);
    eventfd_write(a, 1);
    report("no more", ep, 8, 0);
    SHOW(watch(other, a, 0, 3));
    report("nothing is asked for", other, 8, 0);
    SHOW(change(other, a, EPOLLPRI | EPOLLRDHUP, 3));
    report("what never comes", other, 8, 0);
    // EPOLLEXCLUSIVE.
    SHOW(watch(ep, b, EPOLLIN | EPOLLEXCLUSIVE, 4));
    SHOW(watch(other, b, EPOLLIN | EPOLLEXCLUSIVE, 5));
    eventfd_write(b, 1);
    report("nobody waits: one", ep, 8, 0);
    report("and the other", other, 8, 0);
    SHOW(change(ep, b, EPOLLIN, 4));
    SHOW(change(ep, b, EPOLLIN | EPOLLEXCLUSIVE, 4));
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, b, 0));
    SHOW(watch(ep, b, EPOLLIN | EPOLLPRI | EPOLLEXCLUSIVE, 4));
    SHOW(watch(ep, b, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE, 4));
    SHOW(watch(ep, b, EPOLLIN | EPOLLRDHUP | EPOLLEXCLUSIVE, 4));
    SHOW(watch(ep, b, EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE, 4));
    SHOW(watch(ep, other, EPOLLIN | EPOLLEXCLUSIVE, 6));
    // What is wrong.
    SHOW(epoll_ctl(ep, 7, a, &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, a, 0));
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, 77, 0));
    SHOW(epoll_ctl(77, EPOLL_CTL_ADD, a, &event));
    SHOW(epoll_ctl(a, EPOLL_CTL_ADD, ep, &event));
    SHOW(epoll_ctl(a, EPOLL_CTL_ADD, a, &event));
    SHOW(epoll_wait(a, events, 1, 0));
    SHOW(epoll_wait(77, events, 1, 0));
    SHOW(epoll_wait(ep, events, -1, 0));
    // The second event has no room: the first is reported, and nothing is lost.
    int ready = epoll_create1(0), first = eventfd(1, 0), second = eventfd(1, 0);
    watch(ready, first, EPOLLIN, 7), watch(ready, second, EPOLLIN | EPOLLET, 8);
    char *pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    SHOW(epoll_wait(ready, (void *)(pages + 4096 - 12), 2, 0));
    SHOW(epoll_wait(ready, (void *)(pages + 4096), 2, 0));
    report("all there", ready, 8, 0);
    report("and the one that stays", ready, 8, 0);
    return 0;
}
