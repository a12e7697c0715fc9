// Text and code-like bytes through liblzma's presets, checks and filters, and back.
#include <inttypes.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 200000 };
static uint8_t plain[SIZE], packed[SIZE + 4096], again[SIZE];

static void fill(void) {
    uint32_t state = 1;
    for (size_t i = 0; i < SIZE; i++) {
        state = state * 1664525 + 1013904223;
        plain[i] = i > 400 && state >> 30 ? plain[i - 1 - (state >> 22) % 400] : state >> 24;
        // Calls with relative targets, which the x86 filter makes absolute.
        if (i % 97 == 0) plain[i] = 0xE8;
    }
}

static void round_trip(const char *what, lzma_filter *filters, lzma_check check) {
    size_t out = 0, in = 0, back = 0;
    lzma_ret ret = lzma_stream_buffer_encode(filters, check, NULL, plain, SIZE, packed, &out, sizeof packed);
    if (ret != LZMA_OK) {
        printf("%s: encoder says %d\n", what, ret);
        exit(1);
    }
    uint64_t limit = UINT64_MAX;
    ret = lzma_stream_buffer_decode(&limit, 0, NULL, packed, &in, out, again, &back, SIZE);
    printf("%s: %zu bytes, crc64 %016" PRIx64 ", decoder says %d, %s\n", what, out, lzma_crc64(packed, out, 0), ret,
           back == SIZE && !memcmp(plain, again, SIZE) ? "equal" : "different");
    packed[out / 2] ^= 1;
    in = back = 0;
    ret = lzma_stream_buffer_decode(&limit, 0, NULL, packed, &in, out, again, &back, SIZE);
    printf("%s: damaged, decoder says %d\n", what, ret);
}

int main(void) {
    fill();
    printf("crc32 of 123456789: %08" PRIx32 "\n", lzma_crc32((const uint8_t *)"123456789", 9, 0));
    static const lzma_check checks[] = {LZMA_CHECK_NONE, LZMA_CHECK_CRC32, LZMA_CHECK_CRC64, LZMA_CHECK_SHA256};
    for (uint32_t preset = 0; preset <= 9; preset += 3) {
        lzma_options_lzma options;
        lzma_lzma_preset(&options, preset);
        options.dict_size = 1 << 20;
        lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
        char what[16];
        snprintf(what, sizeof what, "preset %u", preset);
        round_trip(what, filters, checks[preset / 3]);
        lzma_options_delta delta = {.type = LZMA_DELTA_TYPE_BYTE, .dist = preset + 1};
        lzma_filter chain[] = {
            {LZMA_FILTER_X86, NULL}, {LZMA_FILTER_DELTA, &delta}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
        snprintf(what, sizeof what, "chain %u", preset);
        round_trip(what, chain, LZMA_CHECK_SHA256);
    }
    return 0;
}
