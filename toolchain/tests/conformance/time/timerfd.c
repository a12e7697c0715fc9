#include "../show.h"
#include <poll.h>
#include <sys/timerfd.h>
int main(void) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    WORKS(fd);
    uint64_t count = 0;
    struct itimerspec spec = {{0, 0}, {0, 3000000}}, now;
    SHOW(timerfd_settime(fd, 0, &spec, 0));
    SHOW(read(fd, &count, 8));
    printf("%d\n", (int)count);
    spec.it_interval.tv_nsec = 2000000;
    SHOW(timerfd_settime(fd, 0, &spec, &now));
    printf("%ld %ld\n", (long)now.it_value.tv_sec, now.it_interval.tv_nsec);
    usleep(20000);
    SHOW(read(fd, &count, 8));
    SHOW(count >= 5);
    SHOW(timerfd_gettime(fd, &now));
    printf("%ld\n", now.it_interval.tv_nsec);
    SHOW(read(fd, &count, 4));
    spec = (struct itimerspec){0};
    SHOW(timerfd_settime(fd, 0, &spec, 0));
    struct pollfd entry = {fd, POLLIN};
    SHOW(poll(&entry, 1, 5));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    SHOW(read(fd, &count, 8));
    SHOW(timerfd_create(99, 0));
    SHOW(timerfd_settime(0, 0, &spec, 0));
    return 0;
}
