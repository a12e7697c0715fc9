// Locks of the process against those of open files.
#include "../show.h"
static int lock(int fd, int command, int kind, long start, long size) {
    return fcntl(fd, command, &(struct flock){.l_type = kind, .l_start = start, .l_len = size});
}
int main(void) {
    int a = open("file", O_RDWR | O_CREAT, 0600), b = open("file", O_RDWR);
    SHOW(lock(a, F_SETLK, F_WRLCK, 0, 10));
    SHOW(lock(b, F_SETLK, F_WRLCK, 0, 10));
    SHOW(lock(b, F_OFD_SETLK, F_WRLCK, 5, 10));
    SHOW(lock(b, F_OFD_SETLK, F_RDLCK, 9, 1));
    SHOW(lock(b, F_OFD_SETLK, F_WRLCK, 10, 10));
    SHOW(lock(a, F_SETLK, F_RDLCK, 10, 1));
    SHOW(lock(a, F_SETLK, F_UNLCK, 5, 5));
    SHOW(lock(b, F_OFD_SETLK, F_WRLCK, 5, 5));
    struct flock found = {.l_type = F_WRLCK, .l_len = 3};
    SHOW(fcntl(b, F_OFD_GETLK, &found));
    printf("%d %ld %ld %d\n", found.l_type, (long)found.l_start, (long)found.l_len, found.l_pid == getpid());
    found = (struct flock){.l_type = F_WRLCK, .l_len = 30};
    SHOW(fcntl(a, F_GETLK, &found));
    printf("%d %ld %ld %d\n", found.l_type, (long)found.l_start, (long)found.l_len, found.l_pid);
    // Any descriptor of the file that is closed ends the process's locks.
    close(open("file", O_RDONLY));
    SHOW(lock(b, F_OFD_SETLK, F_WRLCK, 0, 5));
    return 0;
}
