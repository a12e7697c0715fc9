// Jump tables whose labels need the flags of before the jump, or every register.
#include <stdio.h>

__attribute__((noinline)) static int compare(const unsigned char *a, const unsigned char *b, int op, int equal) {
    int c = a[0] - b[0];
    if (c == 0) c = equal;
    switch (op) {
    case 0: return c < 0;
    case 1: return c <= 0;
    case 2: return c == 0;
    case 3: return c != 0;
    case 4: return c > 0;
    case 5: return c >= 0;
    }
    __builtin_unreachable();
}

int by_flags(long value, long op);
int through_register(long value, long op);
long all_registers(long op);
__asm__(".text\n"
        ".globl by_flags\n.type by_flags, @function\n"
        "by_flags:\n"
        "    cmpq $5, %rdi\n"
        "    jmp *1f(,%rsi,8)\n"
        // Falls through, and has a direct way in as well.
        "2:  sets %al\n    jmp 5f\n"
        "3:  setb %al\n    jmp 5f\n"
        "4:  jz 2b\n    seto %al\n"
        "5:  movzbl %al, %eax\n    ret\n"
        ".size by_flags, . - by_flags\n"
        ".section .rodata\n.balign 8\n1:  .quad 2b, 3b, 4b\n.text\n"
        ".globl through_register\n.type through_register, @function\n"
        "through_register:\n"
        "    movq 1f(,%rsi,8), %rdx\n"
        "    cmpq $5, %rdi\n"
        "    jmp *%rdx\n"
        "2:  sete %al\n    jmp 4f\n"
        "3:  setg %al\n"
        "4:  movzbl %al, %eax\n    ret\n"
        ".size through_register, . - through_register\n"
        ".section .rodata\n.balign 8\n1:  .quad 2b, 3b\n.text\n"
        ".globl all_registers\n.type all_registers, @function\n"
        "all_registers:\n"
        "    pushq %rbx\n    pushq %rbp\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    movl $1, %eax\n    movl $20, %ebx\n    movl $300, %ecx\n    movl $4000, %edx\n    movl $50000, %esi\n"
        "    movl $600000, %ebp\n    movl $7, %r8d\n    movl $80, %r9d\n    movl $900, %r10d\n    movl $1000, %r11d\n"
        "    movl $20000, %r12d\n    movl $300000, %r13d\n    movl $4000000, %r14d\n    movl $50000000, %r15d\n"
        "9:  cmpq $1, %rdi\n"
        "    jmp *1f(,%rdi,8)\n"
        "2:  incq %rdi\n    addq %rdi, %r11\n    jmp 9b\n"
        "3:  sbbq $0, %r11\n"
        "4:  addq %rbx, %rax\n    addq %rcx, %rax\n    addq %rdx, %rax\n    addq %rsi, %rax\n    addq %rbp, %rax\n"
        "    addq %r8, %rax\n    addq %r9, %rax\n    addq %r10, %rax\n    addq %r11, %rax\n    addq %r12, %rax\n"
        "    addq %r13, %rax\n    addq %r14, %rax\n    addq %r15, %rax\n    addq %rdi, %rax\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbp\n    popq %rbx\n    ret\n"
        ".size all_registers, . - all_registers\n"
        ".section .rodata\n.balign 8\n1:  .quad 3b, 2b, 4b\n.text\n");

int main(int argc, char **argv) {
    unsigned char a[2] = "a";
    for (int op = 0; op < 6; op++) {
        for (int d = -1; d < 2; d++) {
            unsigned char b[2] = {'a' + d, 0};
            printf("%d", compare(a, b, op, argc - 1));
        }
    }
    puts("");
    for (long value = 3; value < 8; value++)
        printf("%d%d%d %d%d\n", by_flags(value, 0), by_flags(value, 1), by_flags(value, 2),
               through_register(value, 0), through_register(value, 1));
    printf("%d\n", by_flags((long)1 << 63, 2));
    for (long op = 0; op < 3; op++) printf("%ld\n", all_registers(op));
    return 0;
}
