// Compression: Zstandard at a fast, a usual and a thorough level.
#include "bench.h"
#include <zstd.h>

enum { SIZE = 2 << 20 };

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 12);
    static char text[SIZE], packed[SIZE + SIZE / 8], again[SIZE];
    static const int levels[] = {1, 3, 9};
    uint64_t hash = 0;
    for (unsigned r = 0; r < rounds; r++) {
        bench_text(text, SIZE, r);
        for (int i = 0; i < 3; i++) {
            size_t size = ZSTD_compress(packed, sizeof packed, text, SIZE, levels[i]);
            if (ZSTD_isError(size)) return 1;
            for (int n = 0; n < 4; n++)
                if (ZSTD_decompress(again, sizeof again, packed, size) != SIZE || memcmp(text, again, SIZE)) return 2;
            hash = bench_hash(hash, packed, size);
        }
    }
    printf("%s %016llx\n", ZSTD_versionString(), (unsigned long long)hash);
}
