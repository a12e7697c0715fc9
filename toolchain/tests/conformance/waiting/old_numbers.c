// Calls that musl has newer ones for, by their numbers.
#include "../show.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
int main(void) {
    int set = syscall(SYS_epoll_create, 5), event = syscall(SYS_eventfd, 3);
    SHOW(set >= 0 && event >= 0);
    SHOW(syscall(SYS_epoll_create, 0));
    SHOW(syscall(SYS_epoll_create, -1));
    SHOW(fcntl(set, F_GETFD));
    SHOW(fcntl(event, F_GETFD));
    struct epoll_event ready = {.events = EPOLLIN, .data.u64 = 42}, found[2] = {0};
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, event, &ready));
    SHOW(syscall(SYS_epoll_wait, set, found, 2, 1000));
    printf("%x %llu\n", found[0].events, (unsigned long long)found[0].data.u64);
    uint64_t count;
    SHOW(read(event, &count, sizeof count));
    printf("%llu\n", (unsigned long long)count);
    SHOW(syscall(SYS_epoll_wait, set, found, 2, 0));
    SHOW(syscall(SYS_epoll_wait, set, found, 2, 10));
    SHOW(syscall(SYS_epoll_wait, set, found, 0, 0));
    SHOW(syscall(SYS_epoll_wait, event, found, 1, 0));
    struct timespec span = {0, 1000000}, wrong = {0, -1};
    SHOW(syscall(441, set, found, 2, &span, 0, 8));
    SHOW(syscall(441, set, found, 2, &wrong, 0, 8));
    write(event, &count, sizeof count);
    SHOW(syscall(441, set, found, 2, 0, 0, 8));
    SHOW(syscall(441, 99, found, 2, 0, 0, 8));
    return 0;
}
