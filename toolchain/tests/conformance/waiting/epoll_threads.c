// Threads that wait for epoll descriptors: each change wakes whom it concerns, also through others, and while they wait.
#include "epoll_events.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
static int ep, outer, fd;
static void *wait_for_it(void *which) {
    struct epoll_event event;
    int count = epoll_wait(*(int *)which, &event, 1, 5000);
    return (void *)(intptr_t)(count == 1 ? event.data.u64 : -1);
}
static void *poll_it(void *which) {
    struct pollfd entry = {*(int *)which, POLLIN};
    return (void *)(intptr_t)poll(&entry, 1, 5000);
}
static void together(const char *what, void *(*run)(void *), int *which, void (*then)(void)) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, 0, run, which);
    usleep(20000);
    then();
    pthread_join(thread, &result);
    printf("%s: %d\n", what, (int)(intptr_t)result);
    eventfd_t count;
    eventfd_read(fd, &count);
}
static void change_it(void) { eventfd_write(fd, 1); }
static void add(void) { eventfd_write(fd, 1), watch(ep, fd, EPOLLIN, 2); }
static void arm(void) { eventfd_write(fd, 1), change(ep, fd, EPOLLIN, 3); }
static int exclusive[2];
int main(void) {
    ep = epoll_create1(0), outer = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK);
    watch(outer, ep, EPOLLIN, 1);
    together("added while it waits", wait_for_it, &ep, add);
    together("changed", wait_for_it, &ep, change_it);
    together("through another", wait_for_it, &outer, change_it);
    together("polled", poll_it, &ep, change_it);
    together("polled through another", poll_it, &outer, change_it);
    change(ep, fd, 0, 0);
    together("armed while it waits", wait_for_it, &ep, arm);
    // Of two that share, only the first one that waits hears of it.
    epoll_ctl(ep, EPOLL_CTL_DEL, fd, 0);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        exclusive[i] = epoll_create1(0);
        watch(exclusive[i], fd, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 10 + i);
        pthread_create(&threads[i], 0, wait_for_it, &exclusive[i]);
        usleep(20000);
    }
    for (int i = 0; i < 2; i++) {
        eventfd_write(fd, 1);
        void *result;
        pthread_join(threads[i], &result);
        printf("shared: %d\n", (int)(intptr_t)result);
    }
    // A timer that only an epoll descriptor watches passes the time.
    int timer = timerfd_create(CLOCK_MONOTONIC, 0), watcher = epoll_create1(0), above = epoll_create1(0);
    watch(watcher, timer, EPOLLIN, 4), watch(above, watcher, EPOLLIN, 5);
    struct itimerspec spec = {{0, 0}, {0, 3000000}};
    timerfd_settime(timer, 0, &spec, 0);
    report("timer", above, 1, -1);
    return 0;
}
