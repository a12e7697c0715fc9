// Calls that musl has newer ones for, by their numbers; all of identity, with what root may.
#include "../show.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <sched.h>
#include <grp.h>
int main(void) {
    SHOW(syscall(SYS_alarm, 100));
    SHOW(syscall(SYS_alarm, 0) > 0);
    struct rlimit limit;
    SHOW(syscall(SYS_getrlimit, RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 200;
    SHOW(syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit));
    SHOW(syscall(SYS_getrlimit, RLIMIT_NOFILE, &limit));
    printf("%lld\n", (long long)limit.rlim_cur);
    SHOW(syscall(SYS_getrlimit, 99, &limit));
    SHOW(syscall(SYS_getrlimit, RLIMIT_NOFILE, 8));
    SHOW(syscall(SYS_setrlimit, RLIMIT_NOFILE, 8));
    SHOW(syscall(SYS_getpgrp) > 0);
    struct timeval now = {-1, -1};
    SHOW(syscall(SYS_gettimeofday, &now, 0));
    printf("%d\n", now.tv_sec > 0 && now.tv_usec >= 0 && now.tv_usec < 1000000);
    time_t seconds = 0;
    SHOW(syscall(SYS_time, &seconds) == seconds && seconds >= now.tv_sec);
    SHOW(syscall(SYS_time, 8));
    struct timespec wrong = {0, 2000000000};
    SHOW(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &wrong));
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &wrong));
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, 8));
    SHOW(syscall(SYS_clock_settime, 77, &wrong));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(munlockall());
    SHOW(syscall(SYS_mlockall, 99));
    struct sched_param param = {0};
    SHOW(syscall(SYS_sched_setparam, 0, &param));
    param.sched_priority = 50;
    SHOW(syscall(SYS_sched_setparam, 0, &param));
    SHOW(syscall(SYS_sched_setparam, -1, &param));
    gid_t a, b, c;
    SHOW(setgroups(0, 0));
    SHOW(getgroups(0, 0));
    SHOW(setregid(7, 8));
    SHOW(getresgid(&a, &b, &c));
    printf("%d %d %d\n", a, b, c);
    SHOW(setresgid(-1, 9, -1));
    SHOW(getgid() * 100 + getegid());
    SHOW(syscall(SYS_setfsgid, 3));
    SHOW(syscall(SYS_setfsgid, -1));
    SHOW(setresuid(-1, -1, -1));
    SHOW(syscall(SYS_setfsuid, -1));
    SHOW(setresuid(5, 6, 7));
    uid_t d, e, f;
    SHOW(getresuid(&d, &e, &f));
    printf("%d %d %d\n", d, e, f);
    SHOW(setresuid(0, -1, -1));
    SHOW(setuid(7));
    SHOW(geteuid());
    return 0;
}
