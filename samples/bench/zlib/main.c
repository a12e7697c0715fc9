// Compression: deflate and inflate.
#include "bench.h"
#include <zlib.h>

enum { SIZE = 1 << 20 };

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 7);
    static unsigned char text[SIZE], packed[SIZE + SIZE / 8], again[SIZE];
    static const int levels[] = {1, 6, 9};
    uint64_t hash = 0;
    for (unsigned r = 0; r < rounds; r++) {
        bench_text((char *)text, SIZE, r);
        for (int i = 0; i < 3; i++) {
            uLongf size = sizeof packed, back = sizeof again;
            if (compress2(packed, &size, text, SIZE, levels[i]) != Z_OK) return 1;
            if (uncompress(again, &back, packed, size) != Z_OK || back != SIZE || memcmp(text, again, SIZE)) return 2;
            hash = bench_hash(hash, packed, size);
        }
    }
    printf("%s %016llx\n", zlibVersion(), (unsigned long long)hash);
}
