#include <alloca.h>
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) static unsigned vla(int n) {
    int a[n][n]; unsigned s = 0;
    for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) a[i][j] = i * n + j;
    for (int i = 0; i < n; i++) s = s * 7 + (unsigned)a[i][n - 1 - i];
    return s;
}
__attribute__((noinline)) static unsigned chain(int n) {
    char *p = 0; unsigned s = 0;
    for (int i = 1; i <= n; i++) { char *q = alloca((size_t)i * 8 + sizeof p); memcpy(q, &p, sizeof p); memset(q + sizeof p, i, (size_t)i * 8); p = q; }
    for (int i = n; p; i--) { s = s * 3 + (unsigned char)p[sizeof p + (size_t)i]; memcpy(&p, p, sizeof p); }
    return s;
}
__attribute__((noinline)) static long big(int n) { volatile long a[100000]; for (int i = 0; i < 100000; i++) a[i] = i ^ n; return a[99999] + a[n]; }
__attribute__((noinline)) static int aligned(int n) { __attribute__((aligned(256))) volatile char a[300]; a[n] = 1; return (int)((unsigned long)a % 256) + a[n]; }
int main(void) {
    printf("%u %u %ld %d\n", vla(37), chain(60), big(4321), aligned(7));
    for (int i = 1; i < 200; i += 33) printf("%u ", vla(i));
    puts("");
    return 0;
}
