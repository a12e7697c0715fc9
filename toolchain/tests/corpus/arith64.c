#include <stdint.h>
#include <stdio.h>
static uint64_t rng = 88172645463325252ull;
static uint64_t next(void) { rng ^= rng << 13; rng ^= rng >> 7; return rng ^= rng << 17; }
int main(void) {
    uint64_t h = 0; int64_t s = 0;
    for (int i = 0; i < 5000; i++) {
        uint64_t a = next(), b = next() >> (next() & 63) | 1; int64_t x = (int64_t)a, y = (int64_t)b;
        h = h * 31 + a / b + a % b + (a << (b & 63)) + (a >> (b & 63)) + (uint64_t)(x >> (b & 63));
        if (y != -1) s += x / y ^ x % y;
        h ^= a / 10 + a / 7 + (uint64_t)(x / 1000) + a % 1000003;
        h += (a << 13 | a >> 51) ^ __builtin_bswap64(a);
    }
    printf("%llx %lld\n", (unsigned long long)h, (long long)s);
    unsigned __int128 p = 1; for (int i = 1; i < 34; i++) p *= (unsigned)i;
    printf("%llx%016llx\n", (unsigned long long)(p >> 64), (unsigned long long)p);
    unsigned __int128 q = p / 1000000007u, r = p % 1000000007u; printf("%llu %llu\n", (unsigned long long)q, (unsigned long long)r);
    __int128 neg = -(__int128)p / 12345; printf("%lld\n", (long long)(neg >> 40));
    long long v; int o1 = __builtin_add_overflow(INT64_MAX, 1LL, &v), o2 = __builtin_mul_overflow(1LL << 40, 1LL << 20, &v); printf("%d %d ", o1, o2);
    int w; printf("%d\n", __builtin_sub_overflow(-2147483647, 5, &w));
    return 0;
}
