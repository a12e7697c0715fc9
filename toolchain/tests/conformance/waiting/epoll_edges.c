// EPOLLET: an event for each change that may make a file ready for what is asked for, and none for others.
#include "epoll_events.h"
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
static char block[65536];
static void pipes(void) {
    int ep = epoll_create1(0), p[2];
    pipe2(p, O_NONBLOCK);
    watch(ep, p[0], EPOLLIN | EPOLLET, 1), watch(ep, p[1], EPOLLOUT | EPOLLET, 2);
    report("pipe", ep, 8, 0);
    report("nothing new", ep, 8, 0);
    write(p[1], block, 100);
    report("written", ep, 8, 0);
    read(p[0], block, 10);
    report("a part is read", ep, 8, 0);
    write(p[1], block, 1);
    report("written, where there was something", ep, 8, 0);
    write(p[1], block, 1), write(p[1], block, 1);
    report("twice", ep, 8, 0);
    while (write(p[1], block, 4096) > 0) {}
    report("full", ep, 8, 0);
    while (read(p[0], block, sizeof block) > 0) {}
    report("empty", ep, 8, 0);
    write(p[1], block, 5);
    change(ep, p[0], EPOLLIN | EPOLLET, 3);
    report("changed", ep, 8, 0);
    change(ep, p[0], EPOLLIN | EPOLLET, 4);
    report("changed again", ep, 8, 0);
    close(p[1]);
    report("the writer is gone", ep, 8, 0);
    report("nothing new", ep, 8, 0);
    close(p[0]);
    report("all gone", ep, 8, 0);
    pipe2(p, O_NONBLOCK);
    watch(ep, p[1], EPOLLOUT | EPOLLET, 5);
    report("another", ep, 8, 0);
    close(p[0]);
    report("the reader is gone", ep, 8, 0);
    close(p[1]), close(ep);
}
static void counters(void) {
    int ep = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
    eventfd_t count;
    watch(ep, fd, EPOLLIN | EPOLLET, 1);
    report("counter", ep, 8, 0);
    eventfd_write(fd, 3);
    report("written", ep, 8, 0);
    eventfd_read(fd, &count);
    report("one is taken", ep, 8, 0);
    eventfd_write(fd, 1);
    report("written", ep, 8, 0);
    change(ep, fd, EPOLLIN | EPOLLOUT | EPOLLET, 2);
    report("both", ep, 8, 0);
    eventfd_read(fd, &count);
    report("one is taken, both asked for", ep, 8, 0);
    close(fd);
    report("gone", ep, 8, 0);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    watch(ep, timer, EPOLLIN | EPOLLET, 3);
    struct itimerspec spec = {{0, 2000000}, {0, 2000000}};
    timerfd_settime(timer, 0, &spec, 0);
    report("timer", ep, 8, -1);
    report("not again, unread", ep, 8, 20);
    read(timer, &count, 8);
    report("again", ep, 8, -1);
    timerfd_gettime(timer, &spec);
    report("looked at", ep, 8, -1);
    report("not again, unread", ep, 8, 20);
    spec = (struct itimerspec){{0, 0}, {0, 1}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, 0);
    report("in the past", ep, 8, -1);
    close(timer), close(ep);
}
static void pairs(int kind) {
    int ep = epoll_create1(0), s[2];
    socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, s);
    watch(ep, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1);
    report("pair", ep, 8, 0);
    send(s[1], "abc", 3, 0);
    report("sent to it", ep, 8, 0);
    recv(s[0], block, 3, 0);
    report("received", ep, 8, 0);
    send(s[0], "abc", 3, 0);
    report("it sends", ep, 8, 0);
    recv(s[1], block, 3, 0);
    report("the other receives", ep, 8, 0);
    shutdown(s[1], SHUT_WR);
    report("the other sends no more", ep, 8, 0);
    close(s[1]);
    report("the other is gone", ep, 8, 0);
    close(s[0]), close(ep);
}
int main(void) {
    pipes(), counters();
    pairs(SOCK_STREAM), pairs(SOCK_DGRAM), pairs(SOCK_SEQPACKET);
    return 0;
}
