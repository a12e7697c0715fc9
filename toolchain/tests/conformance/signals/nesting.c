#include "../show.h"
#include <signal.h>
static int depth, deepest, runs;
static void handle(int number) {
    depth++, runs++;
    if (depth > deepest) deepest = depth;
    if (runs < 4) raise(number);
    depth--;
}
int main(void) {
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    printf("%d %d\n", runs, deepest);
    runs = deepest = 0;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    printf("%d %d\n", runs, deepest);
    return 0;
}
