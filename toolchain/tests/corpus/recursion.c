#include <stdio.h>
static unsigned ack(unsigned m, unsigned n) { return m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)); }
static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static int hanoi(int n, int a, int b, int c) { return n == 0 ? 0 : hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a); }
static int deep(int n) { volatile char pad[64]; pad[n % 64] = (char)n; return n == 0 ? 0 : 1 + deep(n - 1) + pad[n % 64] - (char)n; }
static int queens(int n, unsigned cols, unsigned d1, unsigned d2) {
    int count = 0;
    for (unsigned open = ~(cols | d1 | d2) & ((1u << n) - 1); open; open &= open - 1) {
        unsigned bit = open & -open;
        count += (cols | bit) == (1u << n) - 1 ? 1 : queens(n, cols | bit, (d1 | bit) << 1, (d2 | bit) >> 1);
    }
    return count;
}
int main(void) {
    printf("%u %d %d %d %d\n", ack(2, 9), fib(24), hanoi(12, 0, 1, 2), deep(20000), queens(8, 0, 0, 0));
    return 0;
}
