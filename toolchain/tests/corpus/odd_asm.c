// Assembly that stands at the edge of what the rewriter has to know: what lies in front of labels, at the end of functions, and around
// system calls.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// Every register is live at `.Lnamed`; one way there is through a table, one by a jump to the nop in front of it.
__asm__(
    ".text\n.globl all_live\n.type all_live,@function\nall_live:\n"
    "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov $100,%rax\nmov $1,%rcx\nmov $2,%rdx\nmov $3,%rbx\nmov $4,%rbp\nmov $5,%r8\nmov $6,%r9\nmov $7,%r10\nmov $8,%r11\n"
    "mov $9,%r12\nmov $10,%r13\nmov $11,%r14\nmov $12,%r15\n"
    "test %rsi,%rsi\njnz .Ldirect\njmp *.Ltable(,%rdi,8)\nud2\n"
    ".Ldirect:\ninc %r11\ninc %r10\njmp .Lnop\nud2\n"
    ".Lnop:\nnop\n"
    ".Lnamed:\nadd %rcx,%rax\nadd %rdx,%rax\nadd %rbx,%rax\nadd %rbp,%rax\nadd %r8,%rax\nadd %r9,%rax\nadd %r10,%rax\n"
    "add %r11,%rax\nadd %r12,%rax\nadd %r13,%rax\nadd %r14,%rax\nadd %r15,%rax\nadd %rsi,%rax\nadd %rdi,%rax\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n.size all_live,.-all_live\n"
    ".section .rodata\n.p2align 3\n.Ltable: .quad .Lnamed,.Lnamed\n.text\n");
long all_live(long, long);

// Long enough that the rewriter may cut behind each; they run on into the next one.
__asm__(
    ".text\n.globl counts\n.type counts,@function\ncounts:\nxor %eax,%eax\nlea .Lhint(%rip),%rdx\njmp *%rdx\n"
    ".rept 1300\nadd $1,%rax\n.endr\n.Lhint:\nclflush (%rdi)\n"
    ".globl counts_more\n.type counts_more,@function\ncounts_more:\nadd $5,%rax\n"
    ".rept 1300\nadd $1,%rax\n.endr\nmov $5,%ecx\n1:\nadd $2,%rax\nloop 1b\n"
    ".globl counts_most\n.type counts_most,@function\ncounts_most:\nadd $100,%rax\nret\n.size counts_most,.-counts_most\n");
long counts(volatile void *);

static unsigned long stack_in_handler;
static void in_handler(int number, siginfo_t *info, void *context) {
    stack_in_handler = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
}
static void ignore(int number) {}

// int3 with a handler goes on behind it.
__attribute__((noinline)) static long breakpoint(long x, long y) {
    static void *const table[] = {&&a, &&b};
    goto *table[x];
a: return y;
b: __asm__ volatile("int3"); return x * 1000 + y;
}

// The fourth argument and the number of a system call are wanted at a label.
__attribute__((noinline)) static long label_calls(long fd, const void *buffer, long size, long offset, long number) {
    static void *const table[] = {&&a, &&a, &&a, &&b, &&b, &&b, &&b, &&b};
    register long r10 __asm__("r10") = offset;
    register long rax __asm__("rax") = number;
    __asm__ volatile("" : "+r"(r10), "+r"(rax));
    goto *table[fd];
a: return 1;
b:;
    register long rdi __asm__("rdi") = fd;
    register const void *rsi __asm__("rsi") = buffer;
    register long rdx __asm__("rdx") = size;
    __asm__ volatile("syscall" : "+a"(rax) : "r"(rdi), "r"(rsi), "r"(rdx), "r"(r10) : "rcx", "r11", "memory");
    return rax;
}

static char stack[65536] __attribute__((aligned(64)));
static volatile long started;
static volatile unsigned long child_stack;

int main(void) {
    printf("%ld %ld\n", all_live(1, 0), all_live(1, 1));
    printf("%ld\n", counts(&started));

    signal(SIGTRAP, ignore);
    printf("%ld %ld\n", breakpoint(0, 3), breakpoint(1, 3));

    // Flags live over a system call: a handler and a new thread have their stacks as natively, and the carry is there.
    struct sigaction action = {.sa_sigaction = in_handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, 0);
    unsigned long here;
    long result = SYS_kill, self = getpid();
    unsigned char carry;
    __asm__ volatile("mov %%rsp,%1\nstc\nsyscall\nsetc %2" : "+a"(result), "=&r"(here), "=&r"(carry)
                     : "D"(self), "S"((long)SIGUSR1) : "rcx", "r11", "memory");
    printf("%ld %d %ld\n", result, carry, (long)(stack_in_handler - here));
    unsigned long top = (unsigned long)(stack + 60000) & ~63UL;
    register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
    result = SYS_clone;
    __asm__ volatile("stc\nsyscall\njnc 3f\ntest %%rax,%%rax\njnz 1f\nmov %%rsp,%1\nmovl $1,%2\nmov $60,%%eax\nxor %%edi,%%edi\nsyscall\n"
                     "3:\nmovl $2,%2\n1:" : "+a"(result), "=m"(child_stack), "=m"(started)
                     : "D"((long)(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)), "S"(top), "d"(0L),
                       "r"(r10), "r"(r8) : "rcx", "r11", "memory");
    for (int i = 0; i < 100 && !started; i++) usleep(1000);
    printf("%ld %ld\n", started, (long)(child_stack - top));

    FILE *file = tmpfile();
    int fd = fileno(file);
    char read[4] = {0};
    fputs("0123456789", file);
    fflush(file);
    result = label_calls(fd, read, 3, 2, SYS_pread64);
    printf("%ld %s\n", result, read);
    return 0;
}
