// Calls: Fibonacci, Ackermann and queens on a board, hardly anything but calls and returns.
#include "bench.h"

static __attribute__((noinline)) unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static __attribute__((noinline)) unsigned ackermann(unsigned m, unsigned n) {
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

static __attribute__((noinline)) unsigned queens(unsigned size, unsigned row, unsigned columns, unsigned left, unsigned right) {
    if (row == size) return 1;
    unsigned count = 0;
    for (unsigned free = ((1u << size) - 1) & ~(columns | left | right); free; free &= free - 1) {
        unsigned place = free & -free;
        count += queens(size, row + 1, columns | place, (left | place) << 1, (right | place) >> 1);
    }
    return count;
}

static __attribute__((noinline)) unsigned tak(int x, int y, int z) {
    return y >= x ? (unsigned)z : tak((int)tak(x - 1, y, z), (int)tak(y - 1, z, x), (int)tak(z - 1, x, y));
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 300);
    uint64_t total = 0;
    for (unsigned r = 0; r < rounds; r++) {
        // What depends on the round cannot be taken out of the loop.
        total += fib(29 + r % 4);
        total += ackermann(2, 500 + r) + ackermann(3, 6 + r % 2);
        total += queens(8 + r % 3, 0, 0, 0, 0);
        total += tak(18 - (int)(r % 2), 12, 6);
    }
    printf("%llu\n", (unsigned long long)total);
}
