// Hashing: CRC-32 by one table and by eight, and Adler-32: loads that depend on loads.
#include "bench.h"

static uint32_t table[8][256];

static uint32_t crc_bytes(uint32_t crc, const uint8_t *p, size_t size) {
    for (size_t i = 0; i < size; i++) crc = table[0][(crc ^ p[i]) & 255] ^ crc >> 8;
    return crc;
}

static uint32_t crc_words(uint32_t crc, const uint8_t *p, size_t size) {
    for (size_t i = 0; i < size; i += 8) {
        uint32_t a, b;
        memcpy(&a, p + i, 4);
        memcpy(&b, p + i + 4, 4);
        a ^= crc;
        crc = table[7][a & 255] ^ table[6][a >> 8 & 255] ^ table[5][a >> 16 & 255] ^ table[4][a >> 24] ^ table[3][b & 255] ^
              table[2][b >> 8 & 255] ^ table[1][b >> 16 & 255] ^ table[0][b >> 24];
    }
    return crc;
}

static uint32_t adler(const uint8_t *p, size_t size) {
    uint32_t a = 1, b = 0;
    while (size) {
        size_t step = size < 5552 ? size : 5552;
        size -= step;
        while (step--) a += *p++, b += a;
        a %= 65521, b %= 65521;
    }
    return b << 16 | a;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 350);
    static uint8_t data[1 << 20];
    bench_text((char *)data, sizeof data, 4);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
        table[0][i] = c;
    }
    for (int t = 1; t < 8; t++)
        for (int i = 0; i < 256; i++) table[t][i] = table[0][table[t - 1][i] & 255] ^ table[t - 1][i] >> 8;
    uint32_t one = ~0u, eight = ~0u, sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        one = crc_bytes(one, data, sizeof data);
        eight = crc_words(eight, data, sizeof data);
        data[r % sizeof data] ^= (uint8_t)one;
        sum ^= adler(data, sizeof data);
    }
    printf("%08x %08x %08x\n", ~one, ~eight, sum);
}
