// A single process: fork and exec fail in a way that programs know.
//#differs: one process: fork, exec and wait fail with ENOSYS or ECHILD
#include "../show.h"
#include <spawn.h>
#include <sys/wait.h>
int main(void) {
    fflush(stdout);
    errno = 0;
    int pid = fork();
    if (pid == 0) _exit(3);
    int status = 0;
    if (pid > 0) waitpid(pid, &status, 0);
    printf("%d %d\n", pid < 0 ? -errno : 1, WEXITSTATUS(status));
    char *arguments[] = {"true", 0};
    int error = posix_spawn(&pid, "/bin/true", 0, 0, arguments, 0);
    printf("%d\n", error);
    if (!error) waitpid(pid, &status, 0);
    SHOW(waitpid(-1, 0, WNOHANG));
    SHOW(system(0) != 0);
    SHOW((intptr_t)popen("true", "r") != 0);
    return 0;
}
