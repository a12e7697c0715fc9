#include <stdint.h>
#include <stdio.h>
static uint32_t reverse(uint32_t x) { uint32_t r = 0; for (int i = 0; i < 32; i++) r |= (x >> i & 1) << (31 - i); return r; }
static unsigned long map[64];
static void set(long i) { map[i / 64] |= 1ul << (i % 64); }
static int get(long i) { return map[i / 64] >> (i % 64) & 1; }
static void flip(long i) { map[i / 64] ^= 1ul << (i % 64); }
int main(void) {
    uint64_t x = 0x123456789abcdef0; unsigned sum = 0;
    for (int i = 0; i < 64; i++) {
        uint64_t y = x << i | 1ull << i;
        sum = sum * 5 + (unsigned)(__builtin_ctzll(y) + 3 * __builtin_clzll(y) + 7 * __builtin_popcountll(y) + __builtin_parityll(y) + __builtin_ffsll((long long)y));
    }
    printf("%u %08x %x %x\n", sum, reverse(0xcafe1234), __builtin_bswap32(0x11223344), __builtin_bswap16(0x1122));
    for (long i = 0; i < 4096; i += 7) set(i);
    for (long i = 0; i < 4096; i += 3) flip(i);
    int n = 0; for (long i = 0; i < 4096; i++) n += get(i) * (int)(i % 11);
    printf("%d %d %d\n", n, __builtin_ctz(96), __builtin_clz(1));
    for (unsigned s = 0; s < 33; s += 4) printf("%x ", (0x80000001u << (s & 31) | 0x80000001u >> (-s & 31)));
    puts("");
    return 0;
}
