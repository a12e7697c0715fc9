// Tables of labels and of functions that do not tell at the start where a jump leads.
#include <stdarg.h>
#include <stdio.h>

// Gaps, by designated initialisers; the operation's number is still wanted behind one.
enum { ADD = 0, SUB = 1, SAY = 5, END = 6 };
__attribute__((noinline)) static long sparse(const unsigned char *pc) {
    static const void *const table[] = {[ADD] = &&add, [SUB] = &&sub, [SAY] = &&say, [END] = &&end};
    long value = 0;
    unsigned long op;
#define NEXT op = *pc++; goto *table[op]
    NEXT;
add: value += 3; NEXT;
sub: value -= 1; NEXT;
say: value = value * 10 + op; NEXT;
end: return value;
}

// A hook that is set while the program runs.
__attribute__((noinline)) static long hooked(const unsigned char *pc, int hook) {
    static void *table[] = {&&add, &&sub, &&end};
    long value = 0;
    unsigned long op;
    if (hook) table[1] = &&traced;
    NEXT;
add: value += 3; NEXT;
sub: value -= 1; NEXT;
traced: value = value * 10 + op; NEXT;
end: return value;
}

// A table that is empty at the start.
__attribute__((noinline)) static long late(const unsigned char *pc) {
    static void *table[3];
    long value = 0;
    unsigned long op;
    table[0] = &&add;
    table[1] = &&say;
    table[2] = &&end;
    NEXT;
add: value += 3; NEXT;
say: value = value * 10 + op; NEXT;
end: return value;
}

// An index with a constant, which compilers put into the table's address.
__attribute__((noinline)) static long shifted(long x, long y, long z) {
    static void *const first[] = {&&c, &&d, &&c, &&d};
    static void *const second[] = {&&a, &&b, &&a, &&b};
    if (z == 1) goto *first[x];
    if (z == 0) goto *second[x];
    goto *first[x - 4];
a: return y;
b: return y + z;
c: return x * 1000 + y;
d: return x * 100 + y;
}

// A tail call through a table that is filled later, in a function with a switch.
typedef long (*Handler)(long, long, long);
static Handler handlers[16];
Handler *volatile filled = handlers;
volatile long state;
static long handle(long op, long a, long b) { return op * 1000 + a * 10 + b; }
__attribute__((noinline)) static long other(long a, long b) { return state + a * 3 + b; }
__attribute__((noinline)) static long tail(long op, long a, long b) {
    if (op < 8) return handlers[op](op, a, b);
    switch (a) {
    case 0: state = 1; return other(5, 6);
    case 1: state += 7; return other(1, 2);
    case 2: state *= 3; return other(3, 4);
    case 3: state = 9; return other(5, 4);
    case 4: state ^= 5; return other(6, 4);
    case 5: state = 11; return other(7, 4);
    }
    return 0;
}

// A tail call of functions that are told in al how many of their arguments are in vector registers.
#define VARIADIC(number) \
    __attribute__((noinline)) static int variadic##number(const char *text, ...) { \
        va_list list; \
        va_start(list, text); \
        double a = va_arg(list, double), b = va_arg(list, double); \
        va_end(list); \
        for (int i = 0; i < number * 5; i++) state = i; \
        return (int)(a * 10 + b) + number * 1000; \
    }
#define EIGHT(do, n) do(n##0) do(n##1) do(n##2) do(n##3) do(n##4) do(n##5) do(n##6) do(n##7)
EIGHT(VARIADIC, 1)
EIGHT(VARIADIC, 2)
EIGHT(VARIADIC, 3)
EIGHT(VARIADIC, 4)
#define NAME(number) variadic##number,
static int (*const variadics[])(const char *, ...) = {EIGHT(NAME, 1) EIGHT(NAME, 2) EIGHT(NAME, 3) EIGHT(NAME, 4)};
__attribute__((noinline)) static int call_variadic(const char *text, double a, double b, long i, long *out) {
    *out = i * i + 5;
    return variadics[i](text, a, b);
}

// Global labels without a type, behind a computed goto.
__attribute__((noinline)) static long labelled(long x, long y) {
    static void *const table[] = {&&a, &&b};
    long z = y * y;
    goto *table[x];
a: __asm__ volatile(".globl zvm_test_label_a\nzvm_test_label_a:"); return z;
b: __asm__ volatile(".globl zvm_test_label_b\nzvm_test_label_b:"); return x * 1000 + z;
}

int main(void) {
    printf("%ld\n", sparse((unsigned char[]){0, 0, 5, 1, 5, 0, 6}));
    printf("%ld\n", hooked((unsigned char[]){0, 0, 1, 0, 2}, 0));
    printf("%ld\n", hooked((unsigned char[]){0, 0, 1, 0, 2}, 1));
    printf("%ld\n", late((unsigned char[]){0, 1, 1, 0, 2}));
    printf("%ld %ld %ld %ld\n", shifted(0, 3, 0), shifted(1, 3, 1), shifted(4, 3, 2), shifted(5, 3, 2));
    for (int i = 0; i < 16; i++) filled[i] = handle;
    printf("%ld %ld %ld\n", tail(3, 4, 5), tail(9, 1, 1), tail(7, 1, 2));
    int wrong = 0;
    long square, sum = 0;
    for (int i = 0; i < 32; i++) {
        int result = call_variadic("x", 3.0 + i, 4.0, i, &square);
        wrong += result != (i / 8 * 10 + 10 + i % 8) * 1000 + 34 + 10 * i;
        sum += square;
    }
    printf("%d wrong, %ld\n", wrong, sum);
    // Its labels can stand in the program once: no constants, for which a compiler would copy it.
    state = 3;
    printf("%ld", labelled(state - 3, state));
    printf(" %ld\n", labelled(state - 2, state));
    return 0;
}
