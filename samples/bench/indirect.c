// Calls through pointers: callbacks, a table of functions chosen at random, and a chain of filters. The worst for a sandbox.
#include "bench.h"

typedef uint32_t operation(uint32_t, uint32_t);

#define OPERATION(name, expression) \
    static uint32_t name(uint32_t a, uint32_t b) { return expression; }
OPERATION(add, a + b)
OPERATION(subtract, a - b)
OPERATION(multiply, a * (b | 1))
OPERATION(exclusive, a ^ b)
OPERATION(rotate, a << (b & 15) | a >> (32 - (b & 15) & 31))
OPERATION(average, a / 2 + b / 2)
OPERATION(greater, a > b ? a : b)
OPERATION(less, a < b ? a : b)

static operation *const table[8] = {add, subtract, multiply, exclusive, rotate, average, greater, less};

struct filter {
    uint32_t (*apply)(const struct filter *, uint32_t);
    const struct filter *next;
    uint32_t value;
};

static uint32_t pass(const struct filter *f, uint32_t x) { return f->next ? f->next->apply(f->next, x) : x; }
static uint32_t plus(const struct filter *f, uint32_t x) { return pass(f, x + f->value); }
static uint32_t times(const struct filter *f, uint32_t x) { return pass(f, x * f->value); }
static uint32_t mixed(const struct filter *f, uint32_t x) { return pass(f, x ^ x >> f->value); }

static __attribute__((noinline)) uint32_t fold(const uint32_t *v, size_t count, operation *op) {
    uint32_t sum = 1;
    for (size_t i = 0; i < count; i++) sum = op(sum, v[i]);
    return sum;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 400);
    static uint32_t v[100000];
    uint64_t state = 11;
    for (size_t i = 0; i < 100000; i++) v[i] = (uint32_t)(bench_random(&state) >> 20);
    const struct filter last = {mixed, NULL, 13}, middle = {times, &last, 0x9e3779b1}, first = {plus, &middle, 77};
    uint32_t total = 0;
    for (unsigned r = 0; r < rounds; r++) {
        for (int op = 0; op < 8; op++) total += fold(v, 100000, table[op]);
        uint32_t x = total;
        for (size_t i = 0; i < 100000; i++) x = table[v[i] >> 5 & 7](x, v[i]);
        for (size_t i = 0; i < 100000; i++) x += first.apply(&first, v[i]);
        total += x;
    }
    printf("%u\n", total);
}
