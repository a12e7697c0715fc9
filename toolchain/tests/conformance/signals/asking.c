// Signal 0 asks whether a process or thread is there, and does nothing.
#include "../show.h"
#include <signal.h>
#include <sys/syscall.h>
int main(void) {
    union sigval value = {.sival_int = 7};
    SHOW(kill(getpid(), 0));
    SHOW(raise(0));
    SHOW(sigqueue(getpid(), 0, value));
    SHOW(sigqueue(getpid(), 65, value));
    SHOW(kill(getpid(), 65));
    siginfo_t info = {.si_code = SI_QUEUE};
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 0, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0x3fffffff, 0, &info));
    SHOW(sigqueue(0x3fffffff, 0, value));
    sigset_t pending;
    sigpending(&pending);
    int count = 0;
    for (int i = 1; i < 65; i++) count += sigismember(&pending, i) == 1;
    printf("%d pending\n", count);
    return 0;
}
