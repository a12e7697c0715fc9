#include <stdint.h>
#include <stdio.h>
#include <string.h>
static uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); } static uint32_t rol(uint32_t x, int n) { return x << n | x >> (32 - n); }
static uint32_t K[64]; static int prime(int n) { for (int d = 2; d * d <= n; d++) if (n % d == 0) return 0; return 1; }
static double root(double x, int k) { double r = x > 1 ? x / k : 1; for (int i = 0; i < 200; i++) r -= k == 2 ? (r * r - x) / (2 * r) : (r * r * r - x) / (3 * r * r); return r; }
static void sha256(const uint8_t *m, size_t n, uint32_t h[8]) {
    uint8_t blk[64]; for (size_t off = 0, total = (n + 8) / 64 * 64 + 64; off < total; off += 64) {
        for (size_t i = 0; i < 64; i++) { size_t p = off + i; blk[i] = p < n ? m[p] : p == n ? 0x80 : p >= total - 8 ? (uint8_t)((uint64_t)n * 8 >> (8 * (total - 1 - p))) : 0; }
        uint32_t w[64], v[8]; for (int i = 0; i < 16; i++) w[i] = (uint32_t)blk[4 * i] << 24 | blk[4 * i + 1] << 16 | blk[4 * i + 2] << 8 | blk[4 * i + 3];
        for (int i = 16; i < 64; i++) w[i] = w[i - 16] + w[i - 7] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) + (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
        memcpy(v, h, 32); for (int i = 0; i < 64; i++) { uint32_t a = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i], b = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])); memmove(v + 1, v, 28); v[4] += a; v[0] = a + b; } for (int i = 0; i < 8; i++) h[i] += v[i]; } }
static uint32_t crc32(const uint8_t *p, size_t n) { uint32_t c = ~0u; while (n--) { c ^= *p++; for (int k = 0; k < 8; k++) c = c >> 1 ^ (0xedb88320u & -(c & 1)); } return ~c; }
static uint32_t adler(const uint8_t *p, size_t n) { uint32_t a = 1, b = 0; while (n--) { a = (a + *p++) % 65521; b = (b + a) % 65521; } return b << 16 | a; }
static uint64_t fnv(const uint8_t *p, size_t n) { uint64_t h = 0xcbf29ce484222325; while (n--) h = (h ^ *p++) * 0x100000001b3; return h; }
static uint32_t murmur(const uint8_t *p, size_t n) { uint32_t h = 17; for (; n >= 4; n -= 4, p += 4) { uint32_t k; memcpy(&k, p, 4); h = rol(h ^ rol(k * 0xcc9e2d51u, 15) * 0x1b873593u, 13) * 5 + 0xe6546b64u; } return h ^ h >> 16; }
int main(void) {
    uint32_t h[8]; for (int n = 2, i = 0; i < 64; n++) if (prime(n)) { double r = root(n, 3); K[i] = (uint32_t)((r - (int)r) * 4294967296.0); if (i < 8) { r = root(n, 2); h[i] = (uint32_t)((r - (int)r) * 4294967296.0); } i++; }
    uint32_t h0[8]; memcpy(h0, h, 32); sha256((const uint8_t *)"abc", 3, h); for (int i = 0; i < 8; i++) printf("%08x", h[i]); puts(""); static uint8_t big[100000]; for (int i = 0; i < 100000; i++) big[i] = (uint8_t)(i * i >> 3); memcpy(h, h0, 32); sha256(big, sizeof big, h); printf("%08x %08x\n", h[0], h[7]);
    printf("%08x %08x %016llx %08x\n", crc32(big, sizeof big), adler(big, sizeof big), (unsigned long long)fnv(big, sizeof big), murmur(big, sizeof big)); return 0;
}
