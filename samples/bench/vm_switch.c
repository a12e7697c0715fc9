// An interpreter: a stack machine whose instructions are told apart by a switch in a loop.
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
    for (;;)
        switch (*pc++) {
        case PUSH: *++sp = *pc++; break;
        case ADD: sp--, sp[0] += sp[1]; break;
        case SUB: sp--, sp[0] -= sp[1]; break;
        case MUL: sp--, sp[0] *= sp[1]; break;
        case XOR: sp--, sp[0] ^= sp[1]; break;
        case SHR: sp--, sp[0] >>= sp[1]; break;
        case LOAD: *++sp = memory[*pc++]; break;
        case STORE: memory[*pc++] = *sp--; break;
        case LESS: sp--, sp[0] = sp[0] < sp[1]; break;
        case JUMPZ: pc = *sp-- ? pc + 1 : program + *pc; break;
        case JUMP: pc = program + *pc; break;
        case DUP: sp[1] = sp[0], sp++; break;
        case DROP: sp--; break;
        case SWAP: {
            uint32_t t = sp[0];
            sp[0] = sp[-1], sp[-1] = t;
        } break;
        case MOD: sp--, sp[0] %= sp[1]; break;
        default: return;
        }
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 180);
    memory[LIMIT] = 200000;
    for (unsigned r = 0; r < rounds; r++) run();
    printf("%u %u\n", memory[H], memory[N]);
}
