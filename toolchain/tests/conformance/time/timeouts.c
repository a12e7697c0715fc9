// Calls that wait for a time wait no less, and no longer than a long one.
#include "../show.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}
#define TIMED(milliseconds, call)                                                     \
    do {                                                                              \
        long start_ = now();                                                          \
        SHOW(call);                                                                   \
        long took_ = now() - start_;                                                  \
        printf("not early: %d, before long: %d\n", took_ >= milliseconds * 1000000L, took_ < 30000000000); \
    } while (0)
int main(void) {
    int p[2], e = epoll_create1(0);
    pipe(p);
    struct pollfd entry = {p[0], POLLIN};
    struct epoll_event event = {EPOLLIN};
    epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    TIMED(5, poll(&entry, 1, 5));
    TIMED(5, poll(0, 0, 5));
    TIMED(5, ppoll(&entry, 1, &(struct timespec){0, 5000000}, 0));
    TIMED(5, select(p[0] + 1, &set, 0, 0, &(struct timeval){0, 5000}));
    printf("%d\n", FD_ISSET(p[0], &set) != 0);
    TIMED(5, pselect(0, 0, 0, 0, &(struct timespec){0, 5000000}, 0));
    TIMED(5, epoll_wait(e, &event, 1, 5));
    TIMED(0, poll(&entry, 1, 0));
    TIMED(0, epoll_wait(e, &event, 1, 0));
    write(p[1], "x", 1);
    TIMED(0, poll(&entry, 1, 60000));
    TIMED(0, epoll_wait(e, &event, 1, -1));
    TIMED(0, poll(&entry, 1, -1));
    SHOW(select(-1, 0, 0, 0, 0));
    SHOW(select(0, 0, 0, 0, &(struct timeval){-1, 0}));
    SHOW(ppoll(0, 0, &(struct timespec){0, -1}, 0));
    SHOW(epoll_wait(e, &event, 0, 0));
    SHOW(epoll_wait(p[0], &event, 1, 0));
    return 0;
}
