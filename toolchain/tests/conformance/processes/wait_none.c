#include "../show.h"
#include <sys/wait.h>
int main(void) {
    siginfo_t info;
    SHOW(wait(0));
    SHOW(waitpid(-1, 0, WNOHANG));
    SHOW(waitpid(0x3fffffff, 0, 0));
    SHOW(waitpid(-1, 0, 4));
    SHOW(waitpid(-1, 0, INT32_MAX));
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    return 0;
}
