// Compression: Brotli at two levels.
#include "bench.h"
#include <brotli/decode.h>
#include <brotli/encode.h>

enum { SIZE = 1 << 20 };

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 14);
    static uint8_t text[SIZE], packed[SIZE + SIZE / 8], again[SIZE];
    static const int levels[] = {4, 6};
    uint64_t hash = 0;
    for (unsigned r = 0; r < rounds; r++) {
        bench_text((char *)text, SIZE, r);
        for (int i = 0; i < 2; i++) {
            size_t size = sizeof packed, back = sizeof again;
            if (!BrotliEncoderCompress(levels[i], 22, BROTLI_MODE_TEXT, SIZE, text, &size, packed)) return 1;
            for (int n = 0; n < 4; n++, back = sizeof again)
                if (BrotliDecoderDecompress(size, packed, &back, again) != BROTLI_DECODER_RESULT_SUCCESS || memcmp(text, again, SIZE)) return 2;
            hash = bench_hash(hash, packed, size);
        }
    }
    printf("%x %016llx\n", (unsigned)BrotliEncoderVersion(), (unsigned long long)hash);
}
