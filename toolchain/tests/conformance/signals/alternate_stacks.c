// What a handler is told of the alternate stack, and stacks that are out of use while a handler runs on them.
#include "../show.h"
#include <ucontext.h>
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char room[65536] __attribute__((aligned(16))), second[32768] __attribute__((aligned(16)));
static stack_t set_in_handler;

static const char *place(const void *address) {
    if (address == room) return "room";
    if (address == second) return "second";
    return address ? "elsewhere" : "none";
}

static void show(const char *when, const stack_t *stack) {
    printf("%s: %s, flags %#x, size %zu\n", when, place(stack->ss_sp), stack->ss_flags, stack->ss_size);
}

static void handle(int number, siginfo_t *info, void *context) {
    ucontext_t *interrupted = context;
    stack_t now;
    char here;
    printf("on room %d\n", &here >= room && &here < room + sizeof room);
    show("saved", &interrupted->uc_stack);
    SHOW(sigaltstack(0, &now));
    show("now", &now);
    if (set_in_handler.ss_sp) {
        SHOW(sigaltstack(&set_in_handler, 0));
        set_in_handler.ss_sp = 0;
        raise(SIGUSR2);
    }
}

static void nested(int number) {
    char here;
    printf("nested: on room %d, on second %d\n", &here >= room && &here < room + sizeof room,
           &here >= second && &here < second + sizeof second);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO}, other = {.sa_handler = nested, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room}, now;
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGUSR2, &other, 0);
    SHOW(sigaltstack(&stack, 0));
    raise(SIGUSR1);
    action.sa_flags |= SA_ONSTACK;
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    // One cannot be changed while it is run on.
    set_in_handler = (stack_t){.ss_sp = second, .ss_size = sizeof second};
    raise(SIGUSR1);
    stack.ss_flags = SS_AUTODISARM;
    SHOW(sigaltstack(&stack, 0));
    SHOW(sigaltstack(0, &now));
    show("disarming", &now);
    raise(SIGUSR1);
    SHOW(sigaltstack(0, &now));
    show("after", &now);
    // One that disarms can be, and comes back at the end.
    set_in_handler = (stack_t){.ss_sp = second, .ss_size = sizeof second};
    raise(SIGUSR1);
    SHOW(sigaltstack(0, &now));
    show("after", &now);
    stack.ss_flags = SS_ONSTACK;
    SHOW(sigaltstack(&stack, 0));
    SHOW(sigaltstack(0, &now));
    show("on stack", &now);
    stack.ss_flags = 4;
    SHOW(sigaltstack(&stack, 0));
    stack.ss_flags = SS_DISABLE | SS_AUTODISARM;
    SHOW(sigaltstack(&stack, 0));
    SHOW(sigaltstack(0, &now));
    show("disabled", &now);
    raise(SIGUSR1);
    return 0;
}
