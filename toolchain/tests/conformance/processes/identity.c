#include "../show.h"
int main(void) {
    SHOW(getpid() > 0 && getpid() == getpid());
    SHOW(getppid() >= 0);
    SHOW(syscall(SYS_gettid) == getpid());
    SHOW(getuid() == geteuid() && getgid() == getegid());
    uid_t a, b, c;
    SHOW(getresuid(&a, &b, &c));
    printf("%d\n", a == b && b == c && a == getuid());
    SHOW(setuid(getuid()));
    SHOW(setgid(getgid()));
    SHOW(setreuid(-1, -1));
    SHOW(getpgid(0) == getpgrp());
    SHOW(getpgid(-5));
    /* 0 is right where the session's leader is outside a container. */
    SHOW(getsid(0) >= 0);
    SHOW(getgroups(0, 0) >= 0);
    SHOW(kill(getpid(), 0));
    SHOW(kill(0x3fffffff, 0));
    return 0;
}
