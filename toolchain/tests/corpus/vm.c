#include <stdint.h>
#include <stdio.h>
/* A register machine with a dense switch in a loop, and one that calls through a table. */
enum { LOAD, ADD, SUB, MUL, MOV, JLT, JMP, OUT, HALT };
struct insn { uint8_t op, a, b, c; int16_t imm; };
static int64_t reg[16]; static uint64_t out;
static int by_switch(const struct insn *code) {
    int pc = 0, steps = 0;
    for (;;) {
        const struct insn *i = &code[pc++];
        steps++;
        switch (i->op) {
        case LOAD: reg[i->a] = i->imm; break; case ADD: reg[i->a] = reg[i->b] + reg[i->c]; break; case SUB: reg[i->a] = reg[i->b] - reg[i->c]; break;
        case MUL: reg[i->a] = reg[i->b] * reg[i->c]; break; case MOV: reg[i->a] = reg[i->b]; break; case JLT: if (reg[i->a] < reg[i->b]) pc = i->imm; break;
        case JMP: pc = i->imm; break; case OUT: out = out * 31 + (uint64_t)reg[i->a]; break; case HALT: return steps;
        }
    }
}
static int pc; typedef int (*handler)(const struct insn *);
static int h_load(const struct insn *i) { reg[i->a] = i->imm; return 1; } static int h_add(const struct insn *i) { reg[i->a] = reg[i->b] + reg[i->c]; return 1; } static int h_sub(const struct insn *i) { reg[i->a] = reg[i->b] - reg[i->c]; return 1; }
static int h_mul(const struct insn *i) { reg[i->a] = reg[i->b] * reg[i->c]; return 1; } static int h_mov(const struct insn *i) { reg[i->a] = reg[i->b]; return 1; } static int h_jlt(const struct insn *i) { if (reg[i->a] < reg[i->b]) pc = i->imm; return 1; }
static int h_jmp(const struct insn *i) { pc = i->imm; return 1; } static int h_out(const struct insn *i) { out = out * 31 + (uint64_t)reg[i->a]; return 1; } static int h_halt(const struct insn *i) { (void)i; return 0; }
static const handler handlers[] = {h_load, h_add, h_sub, h_mul, h_mov, h_jlt, h_jmp, h_out, h_halt};
static int by_table(const struct insn *code) { int steps = 1; pc = 0; for (const struct insn *i = &code[pc++]; handlers[i->op](i); i = &code[pc++]) steps++; return steps; }
int main(void) {
    /* sums of i*i with a running Fibonacci pair */
    const struct insn code[] = {{LOAD, 0, 0, 0, 0}, {LOAD, 1, 0, 0, 20000}, {LOAD, 2, 0, 0, 1}, {LOAD, 3, 0, 0, 1}, {LOAD, 4, 0, 0, 1},
        {MUL, 5, 0, 0, 0}, {ADD, 6, 2, 3, 0}, {MOV, 2, 3, 0, 0}, {MOV, 3, 6, 0, 0}, {SUB, 7, 5, 3, 0}, {OUT, 7, 0, 0, 0}, {ADD, 0, 0, 4, 0}, {JLT, 0, 1, 0, 5}, {HALT, 0, 0, 0, 0}};
    int a = by_switch(code); uint64_t first = out; out = 0; for (int i = 0; i < 16; i++) reg[i] = 0;
    struct insn copy[14]; for (int i = 0; i < 14; i++) copy[i] = code[i];
    copy[12].imm = 5; int b = by_table(copy);
    printf("%d %d %d %llx\n", a, a == b, first == out, (unsigned long long)out);
    return 0;
}
