// What a descriptor of O_PATH is not for.
#include "../show.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
int main(void) {
    make("file", "text");
    struct stat st;
    int fd = open("file", O_PATH), on = 1, waiting;
    SHOW(fchmod(fd, 0600));
    SHOW(fchown(fd, 0, 0));
    SHOW(flock(fd, LOCK_EX | LOCK_NB));
    SHOW(fsync(fd));
    SHOW(fdatasync(fd));
    SHOW(syncfs(fd));
    SHOW(posix_fadvise(fd, 0, 1, 0));
    SHOW(fcntl(fd, F_SETFL, 0));
    SHOW(fcntl(fd, F_GETLK, &(struct flock){F_RDLCK}));
    SHOW(fcntl(fd, F_GETFL) & O_PATH);
    SHOW(fcntl(fd, F_SETFD, 1));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ioctl(fd, FIONBIO, &on));
    SHOW(ioctl(fd, FIONREAD, &waiting));
    SHOW(ioctl(fd, FIOCLEX));
    SHOW(futimens(fd, 0));
    struct pollfd entry = {fd, POLLIN};
    SHOW(poll(&entry, 1, 0));
    SHOW(entry.revents == POLLNVAL);
    fd_set set;
    FD_ZERO(&set); FD_SET(fd, &set);
    SHOW(select(fd + 1, &set, 0, 0, &(struct timeval){0}));
    int epoll = epoll_create1(0);
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){EPOLLIN}));
    SHOW(fstat(fd, &st));
    WORKS(dup(fd));
    // Those of a pipe that lost its other end are ready, with an error.
    int ends[2];
    pipe(ends), close(ends[0]);
    FD_ZERO(&set); FD_SET(ends[1], &set);
    SHOW(select(ends[1] + 1, &set, 0, 0, &(struct timeval){0}));
    return 0;
}
