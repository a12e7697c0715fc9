#include "../show.h"
#include <setjmp.h>
#include <signal.h>
static sigjmp_buf place;
static void handle(int number) { siglongjmp(place, number); }
int main(void) {
    signal(SIGUSR1, handle);
    for (volatile int i = 0; i < 3; i++) {
        int from = sigsetjmp(place, 1);
        if (!from) raise(SIGUSR1);
        sigset_t set;
        sigprocmask(SIG_BLOCK, 0, &set);
        printf("%d %d\n", from == SIGUSR1, sigismember(&set, SIGUSR1));
    }
    return 0;
}
