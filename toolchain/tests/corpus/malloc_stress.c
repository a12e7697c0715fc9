#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static uint32_t seed = 12345; static uint32_t rnd(void) { return seed = seed * 1664525u + 1013904223u; }
int main(void) {
    static unsigned char *p[512]; static size_t n[512]; unsigned long sum = 0;
    for (int i = 0; i < 200000; i++) {
        unsigned k = rnd() >> 8 & 511;
        if (p[k]) { unsigned char v = (unsigned char)k; if (p[k][0] != v || p[k][n[k] - 1] != v || p[k][n[k] / 2] != v) { printf("corrupt %d\n", i); return 1; } sum += n[k]; }
        if (rnd() & 0x100 && p[k]) { free(p[k]); p[k] = 0; }
        else { size_t want = (rnd() >> 12) % ((rnd() & 0x3f00) ? 600 : 200000) + 1; p[k] = realloc(p[k], want); n[k] = want; memset(p[k], (int)k, want); }
    }
    for (int i = 0; i < 512; i++) free(p[i]);
    int *z = calloc(1000, sizeof *z), any = 0; for (int i = 0; i < 1000; i++) any |= z[i]; void *a = aligned_alloc(4096, 8192); void *m; int e = posix_memalign(&m, 64, 100);
    printf("%lu %d %d %d\n", sum, any, (int)((uintptr_t)a % 4096 + (uintptr_t)m % 64), e); free(z); free(a); free(m);
    volatile size_t huge = (size_t)1 << 62;
    void *volatile huge_is = malloc(huge);
    char *big = malloc(64 << 20); if (!big) return 1;
    memset(big, 1, 64 << 20); big = realloc(big, 96 << 20); printf("%d %d\n", big[(64 << 20) - 1], huge_is == 0); free(big);
    return 0;
}
