// Handlers of signals that an instruction raises: what they are told, and leaving them by a jump.
#include "../show.h"
#include <setjmp.h>
#include <ucontext.h>
static sigjmp_buf out;
static void *expected;
static void handle(int number, siginfo_t *info, void *context) {
    ucontext_t *where = context;
    printf("%s code %d", strsignal(number), info->si_code);
    if (number == SIGSEGV)
        printf(" at %s, %s, exception %lld", info->si_addr == expected ? "the address" : "another",
               where->uc_mcontext.gregs[REG_ERR] & 2 ? "write" : "read", where->uc_mcontext.gregs[REG_TRAPNO]);
    else
        printf(" here %d", (long long)info->si_addr == where->uc_mcontext.gregs[REG_RIP]);
    printf("\n");
    siglongjmp(out, 1);
}
static const char fixed[] = "cannot be written";
int main(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    for (int i = 0; i < 3; i++) sigaction((int[]){SIGSEGV, SIGFPE, SIGILL}[i], &action, 0);
    expected = (void *)8;
    if (!sigsetjmp(out, 1)) printf("%d\n", *(volatile int *)expected);
    if (!sigsetjmp(out, 1)) *(volatile int *)expected = 1;
    expected = (void *)fixed;
    if (!sigsetjmp(out, 1)) *(volatile char *)expected = 1;
    volatile int seven = 7, zero = 0;
    if (!sigsetjmp(out, 1)) printf("%d\n", seven / zero);
    if (!sigsetjmp(out, 1)) __builtin_trap();
    // The mask was restored by each jump, or this would end the program.
    sigset_t mask;
    sigprocmask(SIG_BLOCK, 0, &mask);
    SHOW(sigismember(&mask, SIGSEGV));
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGFPE, &action, 0);
    for (volatile int i = 0; i < 3; i++)
        if (!sigsetjmp(out, 0)) printf("%d\n", seven / zero);
    return 0;
}
