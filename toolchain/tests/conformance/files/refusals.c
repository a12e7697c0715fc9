#include "../show.h"
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
// What leaves nothing behind, and what is refused.
int main(void) {
    SHOW(open("path", O_PATH | O_CREAT, 0600));
    SHOW(access("path", F_OK));
    make("a", "text");
    int appends = open("a", O_WRONLY | O_APPEND), fd = open("a", O_RDWR);
    SHOW(sendfile(appends, fd, 0, 2));
    struct flock lock = {F_UNLCK, SEEK_SET, 0, 1, 0};
    SHOW(fcntl(fd, F_GETLK, &lock));
    lock.l_type = F_WRLCK, lock.l_pid = 1;
    SHOW(fcntl(fd, F_OFD_SETLK, &lock));
    SHOW(fcntl(fd, F_OFD_GETLK, &lock));
    mkdir("d", 0700);
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "d/none", 2));
    struct rlimit limit = {16, 16};
    setrlimit(RLIMIT_NOFILE, &limit);
    while (dup(fd) >= 0) {}
    SHOW(open("new", O_RDWR | O_CREAT, 0600));
    SHOW(open("none", O_RDONLY));
    SHOW(access("new", F_OK));
    return 0;
}
