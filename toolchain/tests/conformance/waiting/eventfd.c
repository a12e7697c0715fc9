#include "../show.h"
#include <poll.h>
#include <sys/eventfd.h>
int main(void) {
    uint64_t value = 0;
    int fd = eventfd(3, EFD_NONBLOCK);
    WORKS(fd);
    SHOW(read(fd, &value, 8));
    printf("%d\n", (int)value);
    SHOW(read(fd, &value, 8));
    value = 7;
    SHOW(write(fd, &value, 8));
    SHOW(write(fd, &value, 8));
    SHOW(read(fd, &value, 4));
    SHOW(read(fd, &value, 8));
    printf("%d\n", (int)value);
    value = -2;
    SHOW(write(fd, &value, 8));
    value = 1;
    SHOW(write(fd, &value, 8));
    value = -1;
    SHOW(write(fd, &value, 8));
    struct pollfd entry = {fd, POLLIN | POLLOUT};
    poll(&entry, 1, 0);
    printf("%x\n", entry.revents);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    for (int i = 0; i < 3; i++) SHOW(read(fd, &value, 8));
    printf("%d\n", (int)value);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(eventfd(0, 12345));
    return 0;
}
