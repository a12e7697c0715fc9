// All descriptors taken, by every call that makes some.
#include "../show.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
int main(void) {
    struct rlimit limit = {20, 20};
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    make("f", "x");
    int count = 0, last = -1, fd;
    while ((fd = open("f", O_RDONLY)) >= 0) count++, last = fd;
    printf("%d, the last %d: %s\n", count, last, strerror(errno));
    int pair[2] = {-7, -7};
    SHOW(dup(0));
    SHOW(dup2(0, 20));
    SHOW(dup2(0, 19));
    SHOW(fcntl(0, F_DUPFD, 5));
    SHOW(fcntl(0, F_DUPFD, 20));
    SHOW(pipe(pair));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    SHOW(eventfd(0, 0));
    SHOW(epoll_create1(0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 0));
    SHOW(close(19));
    SHOW(pipe(pair));
    printf("%d %d\n", pair[0], pair[1]);
    SHOW(open("new", O_WRONLY | O_CREAT, 0600));
    SHOW(open("newer", O_WRONLY | O_CREAT, 0600));
    SHOW(close(7));
    SHOW(close(5));
    SHOW(pipe(pair));
    printf("%d %d\n", pair[0], pair[1]);
    return 0;
}
