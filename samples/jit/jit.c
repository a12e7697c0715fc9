// Compiles an expression in x to machine code while it runs, and calls it. The code follows the sandbox's rules, so the
// runtime accepts it; then it shows what becomes of code that does not.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zvm.h>

enum { SIZE = 16384 };

static unsigned char *code;
static size_t at;
static const char *text;

static void fail(const char *what) {
    fprintf(stderr, "jit: %s\n", what);
    exit(1);
}

// Bytes that stay in one bundle: an instruction, or several that belong together.
static void emit(const char *bytes, size_t count) {
    if (at % ZVM_BUNDLE + count > ZVM_BUNDLE)
        while (at % ZVM_BUNDLE) code[at++] = 0x90;
    if (at + count > SIZE) fail("the expression is too long");
    memcpy(code + at, bytes, count);
    at += count;
}
#define EMIT(bytes) emit(bytes, sizeof bytes - 1)

static void number(long value) {
    char move[7] = "\x48\xc7\xc0";  // mov $value, %rax
    int low = (int)value;
    if (low != value) fail("a number does not fit into 32 bits");
    memcpy(move + 3, &low, 4);
    emit(move, sizeof move);
    EMIT("\x50");  // push %rax
}

static void blank(void) { text += strspn(text, " "); }

static void sum(void);

static void factor(void) {
    blank();
    if (*text == '(') {
        text++;
        sum();
        if (*text++ != ')') fail("a parenthesis is not closed");
    } else if (*text == '-') {
        text++;
        factor();
        EMIT("\x58\x48\xf7\xd8\x50");  // pop %rax; neg %rax; push %rax
    } else if (*text == 'x') {
        text++;
        EMIT("\x57");  // push %rdi
    } else {
        char *end;
        long value = strtol(text, &end, 10);
        if (end == text) fail("a number, x or a parenthesis is missing");
        text = end;
        number(value);
    }
    blank();
}

static void product(void) {
    factor();
    while (*text == '*') {
        text++;
        factor();
        EMIT("\x59\x58\x48\x0f\xaf\xc1\x50");  // pop %rcx; pop %rax; imul %rcx, %rax; push %rax
    }
}

static void sum(void) {
    product();
    while (*text == '+' || *text == '-') {
        char sign = *text++;
        product();
        if (sign == '+')
            EMIT("\x59\x58\x48\x01\xc8\x50");  // pop %rcx; pop %rax; add %rcx, %rax; push %rax
        else
            EMIT("\x59\x58\x48\x29\xc8\x50");  // pop %rcx; pop %rax; sub %rcx, %rax; push %rax
    }
}

int main(int argc, char **argv) {
    text = argc > 1 ? argv[1] : "x * x - 3 * x + 2";
    printf("f(x) = %s\n", text);
    code = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) fail("no memory");
    // What is not code stops whoever goes there.
    memset(code, 0xf4, SIZE);
    sum();
    if (*text) fail("there is more behind the expression");
    EMIT("\x58");  // pop %rax
    // A return masks its address, so that it can lead to a bundle of the sandbox only: andq $0x7fffffe0, (%rsp); ret
    EMIT("\x48\x81\x24\x24\xe0\xff\xff\x7f\xc3");
    if (zvm_jail(code, SIZE)) fail("the runtime does not accept the code");
    long (*f)(long) = (long (*)(long))code;
    for (long x = -2; x <= 5; x++) printf("f(%ld) = %ld\n", x, f(x));

    // Code cannot be written while it can run. Given back, it is data again.
    if (zvm_unjail(code, SIZE)) fail("the code is not given back");
    static const struct {
        const char *what;
        unsigned char bytes[9];
    } bad[] = {
        {"a system call", {0x0f, 0x05}},
        {"a return without its mask", {0xc3}},
        {"a load from anywhere", {0x48, 0x8b, 0x00}},
        {"a jump into the middle of an instruction", {0x48, 0xc7, 0xc0, 0x90, 0x90, 0x90, 0x90, 0xeb, 0xfa}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(code, 0xf4, SIZE);
        memcpy(code, bad[i].bytes, sizeof bad[i].bytes);
        int answer = zvm_jail(code, SIZE);
        printf("%s: %s\n", bad[i].what, answer == -EPERM ? "refused" : "accepted?!");
    }
    return 0;
}
