// An interpreter: a stack machine whose instructions are told apart by a computed goto behind each of them.
//
// How well a processor predicts those depends on where they lie, by a third and more in native code, too. So the interpreter is
// here six times, each time with its instructions in another order: one order alone would measure luck.
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

#define DO_push *++sp = *pc++
#define DO_add sp--, sp[0] += sp[1]
#define DO_sub sp--, sp[0] -= sp[1]
#define DO_mul sp--, sp[0] *= sp[1]
#define DO_xor sp--, sp[0] ^= sp[1]
#define DO_shr sp--, sp[0] >>= sp[1]
#define DO_load *++sp = memory[*pc++]
#define DO_store memory[*pc++] = *sp--
#define DO_less sp--, sp[0] = sp[0] < sp[1]
#define DO_jumpz pc = *sp-- ? pc + 1 : program + *pc
#define DO_jump pc = program + *pc
#define DO_dup sp[1] = sp[0], sp++
#define DO_drop sp--
#define DO_swap { uint32_t t = sp[0]; sp[0] = sp[-1], sp[-1] = t; }
#define DO_mod sp--, sp[0] %= sp[1]
#define NEXT goto *labels[*pc++]
#define INSTRUCTION(name) \
    name:                 \
    DO_##name;            \
    NEXT;

#define INTERPRETER(name, ORDER)                                                                                       \
    static __attribute__((noinline)) void name(void) {                                                                 \
        uint32_t stack[64], *sp = stack;                                                                               \
        const uint32_t *pc = program;                                                                                  \
        static const void *const labels[] = {&&push, &&add,   &&sub,  &&mul, &&xor,  &&shr,  &&load, &&store,          \
                                             &&less, &&jumpz, &&jump, &&dup, &&drop, &&swap, &&mod,  &&halt};          \
        NEXT;                                                                                                          \
        ORDER(INSTRUCTION)                                                                                             \
    halt:                                                                                                              \
        return;                                                                                                        \
    }

#define ORDER_0(X) X(push) X(add) X(sub) X(mul) X(xor) X(shr) X(load) X(store) X(less) X(jumpz) X(jump) X(dup) X(drop) X(swap) X(mod)
#define ORDER_1(X) X(sub) X(jumpz) X(drop) X(add) X(xor) X(dup) X(store) X(less) X(mul) X(shr) X(load) X(swap) X(push) X(jump) X(mod)
#define ORDER_2(X) X(swap) X(mod) X(push) X(add) X(dup) X(shr) X(sub) X(xor) X(less) X(store) X(jump) X(drop) X(load) X(mul) X(jumpz)
#define ORDER_3(X) X(mul) X(jumpz) X(less) X(sub) X(shr) X(swap) X(store) X(add) X(xor) X(push) X(mod) X(dup) X(load) X(jump) X(drop)
#define ORDER_4(X) X(mul) X(xor) X(add) X(dup) X(load) X(store) X(sub) X(drop) X(push) X(jump) X(mod) X(less) X(shr) X(swap) X(jumpz)
#define ORDER_5(X) X(jumpz) X(xor) X(dup) X(shr) X(jump) X(less) X(push) X(store) X(load) X(add) X(mod) X(drop) X(swap) X(mul) X(sub)

INTERPRETER(run_0, ORDER_0)
INTERPRETER(run_1, ORDER_1)
INTERPRETER(run_2, ORDER_2)
INTERPRETER(run_3, ORDER_3)
INTERPRETER(run_4, ORDER_4)
INTERPRETER(run_5, ORDER_5)

int main(int argc, char **argv) {
    static void (*const runs[])(void) = {run_0, run_1, run_2, run_3, run_4, run_5};
    unsigned rounds = bench_rounds(argc, argv, 180);
    memory[LIMIT] = 200000;
    for (unsigned r = 0; r < rounds; r++) runs[r % 6]();
    printf("%u %u\n", memory[H], memory[N]);
}
