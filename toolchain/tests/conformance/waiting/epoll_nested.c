#include "../show.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
int main(void) {
    int inner = epoll_create1(0), outer = epoll_create1(0), fd = eventfd(0, 0);
    struct epoll_event event = {EPOLLIN, {.u64 = 1}}, found;
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event));
    SHOW(epoll_wait(outer, &found, 1, 0));
    eventfd_write(fd, 1);
    SHOW(epoll_wait(outer, &found, 1, 0));
    SHOW(epoll_wait(inner, &found, 1, 0));
    struct pollfd entry = {inner, POLLIN};
    SHOW(poll(&entry, 1, 0));
    int copy = dup(fd);
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, copy, &event));
    SHOW(epoll_pwait(inner, &found, 1, 0, 0));
    return 0;
}
