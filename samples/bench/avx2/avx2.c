// Vectors by intrinsics, AVX2 and FMA: a convolution, a gather, and bytes classified by shuffles.
#include "bench.h"
#include <immintrin.h>

enum { SIZE = 1 << 16 };

static void convolve(float *to, const float *from, const float *kernel, int taps) {
    for (int i = 0; i + taps + 8 <= SIZE; i += 8) {
        __m256 sum = _mm256_setzero_ps();
        for (int t = 0; t < taps; t++) sum = _mm256_fmadd_ps(_mm256_loadu_ps(from + i + t), _mm256_set1_ps(kernel[t]), sum);
        _mm256_storeu_ps(to + i, sum);
    }
}

static uint64_t gather(const uint32_t *table, const uint32_t *index) {
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < SIZE; i += 8)
        sum = _mm256_add_epi32(sum, _mm256_i32gather_epi32((const int *)table, _mm256_loadu_si256((const __m256i *)(index + i)), 4));
    uint32_t parts[8];
    _mm256_storeu_si256((__m256i *)parts, sum);
    uint64_t total = 0;
    for (int i = 0; i < 8; i++) total += parts[i];
    return total;
}

static uint64_t vowels(const uint8_t *p) {
    // By the low nibble: a e i o at 1 5 9 15, u at 5 of the next row.
    __m256i low = _mm256_setr_epi8(0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1);
    __m256i high = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0);
    uint64_t total = 0;
    for (int i = 0; i < SIZE; i += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(p + i)), nibble = _mm256_set1_epi8(15);
        __m256i l = _mm256_shuffle_epi8(low, _mm256_and_si256(x, nibble));
        __m256i h = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble));
        __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(l, h), _mm256_setzero_si256());
        total += (unsigned)__builtin_popcount(~(unsigned)_mm256_movemask_epi8(none));
    }
    return total;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 15000);
    static float from[SIZE], to[SIZE], kernel[24];
    static uint32_t table[4096], index[SIZE];
    static uint8_t text[SIZE];
    uint64_t state = 16, total = 0;
    bench_text((char *)text, SIZE, 17);
    for (int i = 0; i < SIZE; i++) from[i] = (float)(bench_random(&state) >> 48) / 65536, index[i] = bench_random(&state) >> 52;
    for (int i = 0; i < 4096; i++) table[i] = (uint32_t)bench_random(&state);
    for (int i = 0; i < 24; i++) kernel[i] = 1.0f / (float)(i + 2);
    for (unsigned r = 0; r < rounds; r++) {
        convolve(to, from, kernel, 24);
        from[r % SIZE] = to[r * 7 % (SIZE / 2)] / 2;
        total += gather(table, index) + vowels(text);
        text[r % SIZE] = 'o';
    }
    printf("%llu %.6f\n", (unsigned long long)total, (double)to[1000]);
}
