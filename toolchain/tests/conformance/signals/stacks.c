#include "../show.h"
#include <signal.h>
static char room[32768];
static int inside;
static stack_t in_handler;
static void handle(int number) {
    char here;
    inside = &here >= room && &here < room + sizeof room;
    sigaltstack(0, &in_handler);
}
int main(void) {
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room}, old;
    SHOW(sigaltstack(&stack, &old));
    printf("%d\n", old.ss_flags & SS_DISABLE);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    printf("%d %d\n", inside, in_handler.ss_flags == SS_ONSTACK);
    action.sa_flags = 0;
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    printf("%d\n", inside);
    stack.ss_size = 100;
    SHOW(sigaltstack(&stack, 0));
    stack.ss_flags = SS_DISABLE;
    SHOW(sigaltstack(&stack, 0));
    SHOW(sigaltstack(0, &old));
    printf("%d\n", old.ss_flags == SS_DISABLE);
    return 0;
}
