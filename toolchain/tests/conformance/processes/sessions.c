// Process groups and sessions of the one process, and who its children are.
#include "../show.h"
#include <sys/wait.h>
#include <sys/resource.h>
int main(void) {
    pid_t pid = getpid();
    // Natively the harness may have made it a leader or not; afterwards it is one.
    setsid();
    SHOW(getsid(0) == pid);
    SHOW(getpgid(0) == pid);
    SHOW(getpgrp() == pid);
    SHOW(setsid());
    SHOW(getpgid(-5));
    SHOW(setpgid(-5, 0));
    SHOW(setpgid(0, -5));
    int status;
    SHOW(wait4(-1, &status, 0, 0));
    SHOW(wait4(-1, &status, WNOHANG, 0));
    SHOW(waitpid(pid, &status, 0));
    siginfo_t info;
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    return 0;
}
