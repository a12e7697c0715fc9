// The C library's malloc: many blocks of all sizes that live for long or short, and grow.
#include "bench.h"

enum { SLOTS = 20000 };

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 150);
    static unsigned char *blocks[SLOTS];
    static uint32_t sizes[SLOTS];
    uint64_t state = 13, total = 0;
    for (unsigned r = 0; r < rounds; r++) {
        for (int i = 0; i < 100000; i++) {
            uint64_t x = bench_random(&state);
            uint32_t slot = (uint32_t)(x >> 40) % SLOTS;
            uint32_t size = 8 + (uint32_t)(x & 255);
            if ((x >> 8 & 63) == 0) size *= 64;
            switch (x >> 16 & 7) {
            case 0:
            case 1:
            case 2: free(blocks[slot]), blocks[slot] = NULL, sizes[slot] = 0; break;
            case 3: {
                unsigned char *grown = realloc(blocks[slot], sizes[slot] + size);
                memset(grown + sizes[slot], i & 255, size);
                blocks[slot] = grown, sizes[slot] += size;
                if (sizes[slot] > 1 << 20) free(blocks[slot]), blocks[slot] = NULL, sizes[slot] = 0;
                break;
            }
            default:
                free(blocks[slot]);
                blocks[slot] = malloc(size), sizes[slot] = size;
                memset(blocks[slot], i & 255, size);
            }
            if (blocks[slot]) total += blocks[slot][sizes[slot] / 2];
        }
    }
    uint64_t left = 0;
    for (int i = 0; i < SLOTS; i++) left += sizes[i], free(blocks[i]);
    printf("%llu %llu\n", (unsigned long long)total, (unsigned long long)left);
}
