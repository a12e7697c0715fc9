// Digests of upstream's test input (bytes 0 to 250, again and again) at lengths around chunks and trees.
#include <blake3.h>
#include <stdint.h>
#include <stdio.h>

static uint8_t input[102400];

static void show(const char *mode, blake3_hasher *hasher, size_t length) {
    uint8_t out[40];
    // In two pieces, so that buffers are crossed.
    blake3_hasher_update(hasher, input, length / 3);
    blake3_hasher_update(hasher, input + length / 3, length - length / 3);
    blake3_hasher_finalize_seek(hasher, 7, out, sizeof out);
    blake3_hasher_finalize(hasher, out, 32);
    printf("%-6s %6zu ", mode, length);
    for (size_t i = 0; i < sizeof out; i++) printf("%02x", out[i]);
    puts("");
}

int main(void) {
    for (size_t i = 0; i < sizeof input; i++) input[i] = i % 251;
    static const size_t lengths[] = {0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 4097, 8193, 16384, 31744, 102400};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        blake3_hasher hasher;
        blake3_hasher_init(&hasher);
        show("hash", &hasher, lengths[i]);
        blake3_hasher_init_keyed(&hasher, (const uint8_t *)"whats the Elvish word for friend");
        show("keyed", &hasher, lengths[i]);
        blake3_hasher_init_derive_key(&hasher, "BLAKE3 2019-12-27 16:29:52 test vectors context");
        show("derive", &hasher, lengths[i]);
    }
    return 0;
}
