// An event loop with timers, a queue and workers.
#include "../show.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
static int done, jobs[2];
static void *work(void *argument) {
    int job;
    while (read(jobs[0], &job, sizeof job) == sizeof job) eventfd_write(done, job * job);
    return 0;
}
int main(void) {
    int ep = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    done = eventfd(0, EFD_NONBLOCK);
    pipe(jobs);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], 0, work, 0);
    struct itimerspec spec = {{0, 1000000}, {0, 1000000}};
    timerfd_settime(timer, 0, &spec, 0);
    struct epoll_event event = {EPOLLIN, {.fd = timer}};
    epoll_ctl(ep, EPOLL_CTL_ADD, timer, &event);
    event.data.fd = done;
    epoll_ctl(ep, EPOLL_CTL_ADD, done, &event);
    int ticks = 0, next = 1;
    uint64_t sum = 0, value;
    while (sum < 385 || ticks < 5) {
        struct epoll_event events[4];
        int count = epoll_wait(ep, events, 4, 1000);
        if (count <= 0) return 1;
        for (int i = 0; i < count; i++) {
            if (read(events[i].data.fd, &value, 8) != 8) continue;
            if (events[i].data.fd == done) { sum += value; continue; }
            ticks += value;
            if (next <= 10) write(jobs[1], &next, sizeof next), next++;
        }
    }
    close(jobs[1]);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], 0);
    printf("%d %d\n", (int)sum, ticks >= 5);
    return 0;
}
