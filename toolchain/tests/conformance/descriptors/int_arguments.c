// Arguments that are ints: what stands above their 32 bits means nothing.
#include "../show.h"
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <utime.h>

#define H(value) ((long)(0xABCD000000000000 | (unsigned)(value)))
#define CALL(name, ...) printf(#name ": %s\n", syscall(SYS_##name, __VA_ARGS__) == -1 ? strerror(errno) : "ok")

int main(void) {
    static char bytes[4096];
    struct stat status;
    make("f", "text");
    mkdir("d", 0755);
    int fd = open("f", O_RDWR), ends[2];
    struct iovec part = {bytes, 4};
    CALL(openat, H(AT_FDCWD), "f", H(O_RDWR | O_CREAT), H(0600));
    CALL(read, H(fd), bytes, 4L);
    CALL(lseek, H(fd), 0L, H(SEEK_SET));
    CALL(preadv2, H(fd), &part, 1L, 0L, 0L, H(0));
    CALL(pwritev2, H(fd), &part, 1L, 0L, 0L, H(0));
    CALL(readv, H(fd), &part, 1L);
    CALL(getrandom, bytes, 4L, H(GRND_NONBLOCK));
    CALL(memfd_create, "name", H(1));
    long offset = 0, zero = 0;
    int copy = open("copy", O_RDWR | O_CREAT, 0600);
    CALL(copy_file_range, H(fd), &offset, H(copy), &zero, 4L, H(0));
    CALL(fallocate, H(fd), H(1), 0L, 10L);
    CALL(fadvise64, H(fd), 0L, 0L, H(1));
    CALL(sync_file_range, H(fd), 0L, 0L, H(2));
    CALL(newfstatat, H(AT_FDCWD), "f", &status, H(AT_SYMLINK_NOFOLLOW));
    CALL(statx, H(AT_FDCWD), "f", H(0), H(0x7ff), bytes);
    CALL(faccessat, H(AT_FDCWD), "f", H(R_OK));
    CALL(faccessat2, H(AT_FDCWD), "f", H(R_OK), H(AT_EACCESS));
    CALL(access, "f", H(R_OK));
    CALL(fchmodat, H(AT_FDCWD), "f", H(0644));
    CALL(chmod, "f", H(0600));
    stat("f", &status);
    printf("%o\n", status.st_mode);
    CALL(fchownat, H(AT_FDCWD), "f", H(-1), H(-1), H(0));
    CALL(chown, "f", H(-1), H(-1));
    CALL(mkdirat, H(AT_FDCWD), "e", H(0700));
    CALL(mknodat, H(AT_FDCWD), "p", H(S_IFIFO | 0600), H(0));
    CALL(linkat, H(AT_FDCWD), "f", H(AT_FDCWD), "g", H(0));
    CALL(symlinkat, "f", H(AT_FDCWD), "s");
    CALL(readlinkat, H(AT_FDCWD), "s", bytes, H(10));
    CALL(readlink, "s", bytes, H(10));
    CALL(renameat2, H(AT_FDCWD), "g", H(AT_FDCWD), "h", H(1));
    CALL(unlinkat, H(AT_FDCWD), "h", H(0));
    CALL(unlinkat, H(AT_FDCWD), "e", H(AT_REMOVEDIR));
    CALL(utimensat, H(AT_FDCWD), "f", 0L, H(AT_SYMLINK_NOFOLLOW));
    CALL(flock, H(fd), H(LOCK_EX | LOCK_NB));
    CALL(fcntl, H(fd), H(F_GETFD), 0L);
    CALL(fcntl, H(fd), H(F_DUPFD), H(20));
    CALL(dup3, H(fd), H(21), H(O_CLOEXEC));
    CALL(dup2, H(fd), H(22));
    CALL(close, H(22));
    CALL(close_range, H(20), H(21), H(0));
    CALL(pipe2, ends, H(O_CLOEXEC));
    CALL(ioctl, H(ends[0]), H(0x541B), bytes);
    CALL(eventfd2, H(3), H(EFD_CLOEXEC));
    CALL(timerfd_create, H(1), H(TFD_CLOEXEC));
    struct itimerspec times = {{0}, {1, 0}};
    int timer = timerfd_create(1, 0), poller = epoll_create1(0);
    CALL(timerfd_settime, H(timer), H(0), &times, 0L);
    CALL(timerfd_gettime, H(timer), &times);
    struct epoll_event event = {EPOLLIN};
    CALL(epoll_create1, H(EPOLL_CLOEXEC));
    CALL(epoll_create, H(1));
    CALL(epoll_ctl, H(poller), H(EPOLL_CTL_ADD), H(ends[0]), &event);
    CALL(epoll_wait, H(poller), &event, H(1), H(0));
    CALL(epoll_pwait, H(poller), &event, H(1), H(0), 0L, 8L);
    struct pollfd entry = {ends[0], POLLIN};
    CALL(poll, &entry, H(1), H(0));
    CALL(ppoll, &entry, H(1), &(struct timespec){0}, 0L, 8L);
    CALL(select, H(0), 0L, 0L, 0L, &(struct timeval){0});
    CALL(socket, H(AF_UNIX), H(SOCK_STREAM | SOCK_CLOEXEC), H(0));
    CALL(socketpair, H(AF_UNIX), H(SOCK_STREAM), H(0), ends);
    CALL(sendto, H(ends[0]), "x", 1L, H(MSG_NOSIGNAL), 0L, H(0));
    CALL(recvfrom, H(ends[1]), bytes, 1L, H(MSG_DONTWAIT), 0L, 0L);
    int one = 1;
    CALL(setsockopt, H(ends[0]), H(SOL_SOCKET), H(SO_KEEPALIVE), &one, H(4));
    socklen_t size = 4;
    CALL(getsockopt, H(ends[0]), H(SOL_SOCKET), H(SO_TYPE), &one, &size);
    CALL(shutdown, H(ends[0]), H(SHUT_WR));
    CALL(mprotect, mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096L, 1L);
    void *page = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(madvise, page, 4096L, H(MADV_DONTNEED));
    CALL(msync, page, 4096L, H(MS_ASYNC));
    CALL(mlockall, H(1));
    sigset_t set;
    sigemptyset(&set);
    CALL(rt_sigprocmask, H(SIG_BLOCK), &set, 0L, 8L);
    struct sigaction action;
    CALL(rt_sigaction, H(SIGUSR1), 0L, bytes, 8L);
    CALL(kill, H(getpid()), H(0));
    CALL(tkill, H(getpid()), H(0));
    CALL(tgkill, H(getpid()), H(getpid()), H(0));
    CALL(prctl, H(PR_GET_DUMPABLE), 0L, 0L, 0L, 0L);
    CALL(getrlimit, H(RLIMIT_NOFILE), bytes);
    CALL(prlimit64, H(0), H(RLIMIT_NOFILE), 0L, bytes);
    CALL(getrusage, H(RUSAGE_SELF), bytes);
    CALL(getpriority, H(PRIO_PROCESS), H(0));
    CALL(sched_getscheduler, H(0));
    CALL(sched_getaffinity, H(0), H(128), bytes);
    CALL(sched_get_priority_max, H(SCHED_FIFO));
    CALL(getpgid, H(0));
    CALL(getsid, H(0));
    CALL(setfsuid, H(-1));
    CALL(getgroups, H(0), 0L);
    CALL(umask, H(022));
    CALL(clock_gettime, H(CLOCK_REALTIME), bytes);
    CALL(clock_getres, H(CLOCK_MONOTONIC), bytes);
    CALL(clock_nanosleep, H(CLOCK_MONOTONIC), H(0), &(struct timespec){0, 1}, 0L);
    CALL(getitimer, H(0), bytes);
    CALL(wait4, H(-1), 0L, H(WNOHANG), 0L);
    int word = 0;
    CALL(futex, &word, H(1 | 128), H(1), 0L, 0L, H(0));
    CALL(membarrier, H(0), H(0), H(0));
    CALL(getdents64, H(open("d", O_RDONLY)), bytes, H(4096));
    CALL(personality, H(-1));
    CALL(fchdir, H(open("d", O_RDONLY)));
    return 0;
}
