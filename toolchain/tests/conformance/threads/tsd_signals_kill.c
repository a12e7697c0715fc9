#include "../show.h"
#include <pthread.h>
#include <signal.h>
static void *run(void *argument) { return 0; }
int main(void) {
    pthread_t thread;
    pthread_create(&thread, 0, run, 0);
    pthread_join(thread, 0);
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
    SHOW(syscall(SYS_tgkill, getpid(), 0x3fffffff, 0));
    SHOW(syscall(SYS_tgkill, -1, 5, 0));
    SHOW(syscall(SYS_tkill, 0x3fffffff, 0));
    SHOW(syscall(SYS_set_robust_list, 0, 5));
    SHOW(syscall(SYS_set_tid_address, 0) == getpid());
    SHOW(pthread_kill(pthread_self(), 0));
    SHOW(pthread_kill(pthread_self(), 99) == EINVAL);
    return 0;
}
