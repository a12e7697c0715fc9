#include <stdio.h>
/* A threaded interpreter with a static table of label addresses, and labels kept in the program itself. */
static long run(const unsigned char *code, long n) {
    static const void *const table[] = {&&halt, &&push, &&add, &&mul, &&dup, &&dec, &&jnz, &&swap, &&drop, &&print};
    long stack[32], *sp = stack;
    const unsigned char *pc = code;
    *sp++ = n;
#define NEXT goto *table[*pc++]
    NEXT;
push: *sp++ = *pc++; NEXT;
add: sp--; sp[-1] += sp[0]; NEXT;
mul: sp--; sp[-1] *= sp[0]; NEXT;
dup: sp[0] = sp[-1]; sp++; NEXT;
dec: sp[-1]--; NEXT;
jnz: if (sp[-1]) pc = code + *pc; else pc++; NEXT;
swap: { long t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; } NEXT;
drop: sp--; NEXT;
print: printf("%ld ", sp[-1]); NEXT;
halt: return sp[-1];
}
static int direct(int n) {
    const void *program[8];
    int i = 0, acc = 1;
    for (int k = 0; k < 6; k++) program[k] = k % 2 ? &&twice : &&inc;
    program[6] = &&done;
    const void **ip = program;
    goto **ip++;
inc: acc += n; i++; goto **ip++;
twice: acc *= 2; i++; goto **ip++;
done: return acc * 10 + i;
}
int main(void) {
    const unsigned char count[] = {/* 0: */ 9, 5, 6, 0, 0};
    printf("= %ld\n", run(count, 9));
    const unsigned char poly[] = {4, 3, 1, 7, 2, 1, 3, 3, 0};
    printf("%ld %ld\n", run(poly, 5), run(poly, -11));
    for (int i = 0; i < 5; i++) printf("%d ", direct(i));
    puts("");
    return 0;
}
