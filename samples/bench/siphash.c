// Hashing: SipHash-2-4 of many short strings, each through a call.
#include "bench.h"

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define ROUND()                                                                                         \
    (v0 += v1, v1 = ROTL(v1, 13) ^ v0, v0 = ROTL(v0, 32), v2 += v3, v3 = ROTL(v3, 16) ^ v2, v0 += v3, \
     v3 = ROTL(v3, 21) ^ v0, v2 += v1, v1 = ROTL(v1, 17) ^ v2, v2 = ROTL(v2, 32))

static __attribute__((noinline)) uint64_t siphash(const uint64_t key[2], const char *data, size_t size) {
    uint64_t v0 = key[0] ^ 0x736f6d6570736575, v1 = key[1] ^ 0x646f72616e646f6d;
    uint64_t v2 = key[0] ^ 0x6c7967656e657261, v3 = key[1] ^ 0x7465646279746573, m;
    size_t whole = size / 8 * 8;
    for (size_t at = 0; at < whole; at += 8) {
        memcpy(&m, data + at, 8);
        v3 ^= m;
        ROUND(), ROUND();
        v0 ^= m;
    }
    m = (uint64_t)size << 56;
    for (size_t i = whole; i < size; i++) m |= (uint64_t)(uint8_t)data[i] << 8 * (i - whole);
    v3 ^= m;
    ROUND(), ROUND();
    v0 ^= m, v2 ^= 0xff;
    ROUND(), ROUND(), ROUND(), ROUND();
    return v0 ^ v1 ^ v2 ^ v3;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 350);
    static char text[1 << 20];
    bench_text(text, sizeof text, 3);
    uint64_t key[2] = {1, 2}, total = 0;
    for (unsigned r = 0; r < rounds; r++) {
        size_t start = 0;
        for (size_t at = 0; at < sizeof text; at++)
            if (text[at] == ' ' || text[at] == ',' || text[at] == '\n') {
                total += siphash(key, text + start, at - start);
                start = at + 1;
            }
        key[0] = total;
    }
    printf("%016llx\n", (unsigned long long)total);
}
