// An interpreter: a stack machine whose instructions are told apart by a computed goto behind each of them.
#include "bench.h"

enum { PUSH, ADD, SUB, MUL, XOR, SHR, LOAD, STORE, LESS, JUMPZ, JUMP, DUP, DROP, SWAP, MOD, HALT };

// i = 0; do { h = (h ^ i) * 16777619; h ^= h >> 15; if (h % 3 < 1) n += 1; i += 1; } while (i < limit);
// the loop starts at 4, the addition to i at 40, and 55 is the end.
enum { I, H, N, LIMIT };
static const uint32_t program[] = {
    PUSH, 0, STORE, I, LOAD, H, LOAD, I, XOR, PUSH, 16777619, MUL, STORE, H, LOAD, H, DUP, PUSH, 15, SHR, XOR,
    STORE, H, LOAD, H, PUSH, 3, MOD, PUSH, 1, LESS, JUMPZ, 40, LOAD, N, PUSH, 1, ADD, STORE, N, LOAD, I, PUSH,
    1, ADD, DUP, STORE, I, LOAD, LIMIT, LESS, JUMPZ, 55, JUMP, 4, HALT,
};

static uint32_t memory[4];

static __attribute__((noinline)) void run(void) {
    uint32_t stack[64], *sp = stack;
    const uint32_t *pc = program;
    static const void *const labels[] = {&&push, &&add, &&sub, &&mul, &&xor, &&shr, &&load, &&store, &&less, &&jumpz, &&jump, &&dup, &&drop, &&swap, &&mod, &&halt};
#define NEXT goto *labels[*pc++]
    NEXT;
push:
    *++sp = *pc++;
    NEXT;
add:
    sp--, sp[0] += sp[1];
    NEXT;
sub:
    sp--, sp[0] -= sp[1];
    NEXT;
mul:
    sp--, sp[0] *= sp[1];
    NEXT;
xor:
    sp--, sp[0] ^= sp[1];
    NEXT;
shr:
    sp--, sp[0] >>= sp[1];
    NEXT;
load:
    *++sp = memory[*pc++];
    NEXT;
store:
    memory[*pc++] = *sp--;
    NEXT;
less:
    sp--, sp[0] = sp[0] < sp[1];
    NEXT;
jumpz:
    pc = *sp-- ? pc + 1 : program + *pc;
    NEXT;
jump:
    pc = program + *pc;
    NEXT;
dup:
    sp[1] = sp[0], sp++;
    NEXT;
drop:
    sp--;
    NEXT;
swap:
    {
        uint32_t t = sp[0];
        sp[0] = sp[-1], sp[-1] = t;
    }
    NEXT;
mod:
    sp--, sp[0] %= sp[1];
    NEXT;
halt:
    return;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 180);
    memory[LIMIT] = 200000;
    for (unsigned r = 0; r < rounds; r++) run();
    printf("%u %u\n", memory[H], memory[N]);
}
