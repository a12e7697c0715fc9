// What an epoll descriptor reports, by the words that the watches were given.
#pragma once
#include "../show.h"
#include <sys/epoll.h>
static inline int watch(int ep, int fd, unsigned events, uint64_t word) {
    struct epoll_event event = {events, {.u64 = word}};
    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
}
static inline int change(int ep, int fd, unsigned events, uint64_t word) {
    struct epoll_event event = {events, {.u64 = word}};
    return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event);
}
static inline void report(const char *what, int ep, int most, int timeout) {
    struct epoll_event events[64];
    int count = epoll_wait(ep, events, most, timeout);
    printf("%s: %d", what, count);
    for (int i = 0; i < count; i++) printf(" %d/%x", (int)events[i].data.u64, events[i].events);
    putchar('\n');
}
