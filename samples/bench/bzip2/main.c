// Compression: bzip2, whose block sorting jumps through memory.
#include "bench.h"
#include <bzlib.h>

enum { SIZE = 1 << 20 };

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 7);
    static char text[SIZE], packed[SIZE + SIZE / 50 + 600], again[SIZE];
    uint64_t hash = 0;
    for (unsigned r = 0; r < rounds; r++) {
        bench_text(text, SIZE, r);
        unsigned size = sizeof packed, back = sizeof again;
        if (BZ2_bzBuffToBuffCompress(packed, &size, text, SIZE, 9, 0, 0) != BZ_OK) return 1;
        if (BZ2_bzBuffToBuffDecompress(again, &back, packed, size, 0, 0) != BZ_OK || back != SIZE || memcmp(text, again, SIZE)) return 2;
        hash = bench_hash(hash, packed, size);
    }
    printf("%s %016llx\n", BZ2_bzlibVersion(), (unsigned long long)hash);
}
