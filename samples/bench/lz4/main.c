// Compression: LZ4, fast and high, copies of a few bytes each.
#include "bench.h"
#include <lz4.h>
#include <lz4hc.h>

enum { SIZE = 1 << 20 };

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 20);
    static char text[SIZE], packed[LZ4_COMPRESSBOUND(SIZE)], again[SIZE];
    uint64_t hash = 0;
    for (unsigned r = 0; r < rounds; r++) {
        bench_text(text, SIZE, r);
        for (int high = 0; high < 2; high++) {
            int size = high ? LZ4_compress_HC(text, packed, SIZE, sizeof packed, 6) : LZ4_compress_default(text, packed, SIZE, sizeof packed);
            if (size <= 0) return 1;
            for (int n = 0; n < 10; n++)
                if (LZ4_decompress_safe(packed, again, size, SIZE) != SIZE || memcmp(text, again, SIZE)) return 2;
            hash = bench_hash(hash, packed, (size_t)size);
        }
    }
    printf("%s %016llx\n", LZ4_versionString(), (unsigned long long)hash);
}
