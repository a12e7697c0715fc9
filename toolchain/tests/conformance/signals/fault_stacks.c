// A stack that overflows, handled on another one; a handler that faults itself; one that is to be used once.
//#status: 139
//#stderr: null pointer
#include "../show.h"
#include <setjmp.h>
#include <unistd.h>
static sigjmp_buf out;
static char room[65536];
static int inside, depth;
static void overflowed(int number) {
    char here;
    inside = &here >= room && &here < room + sizeof room;
    siglongjmp(out, 1);
}
static int recurse(int n) {
    volatile char page[4096];
    page[0] = n;
    return recurse(n + 1) + page[0];
}
static void again(int number) {
    if (++depth < 5) *(volatile int *)16 = 1;
    siglongjmp(out, 1);
}
static void once(int number) {
    write(1, "once\n", 5);
}
int main(void) {
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    sigaltstack(&stack, 0);
    struct sigaction action = {.sa_handler = overflowed, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    if (!sigsetjmp(out, 1)) recurse(0);
    printf("on the other stack: %d\n", inside);
    if (!sigsetjmp(out, 1)) recurse(0);
    action.sa_handler = again;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGSEGV, &action, 0);
    if (!sigsetjmp(out, 1)) *(volatile int *)16 = 1;
    SHOW(depth);
    fflush(stdout);
    // It returns to the instruction, and the second time ends the program.
    action.sa_handler = once;
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGSEGV, &action, 0);
    *(volatile int *)16 = 1;
    return 0;
}
