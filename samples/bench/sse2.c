// Vectors by intrinsics, at the level that every x86-64 has: bytes counted, pixels blended, numbers summed.
#include "bench.h"
#include <emmintrin.h>

enum { SIZE = 1 << 18 };

static uint64_t count_byte(const uint8_t *p, uint8_t byte) {
    __m128i wanted = _mm_set1_epi8((char)byte), total = _mm_setzero_si128();
    for (size_t i = 0; i < SIZE; i += 128) {
        __m128i some = _mm_setzero_si128();
        for (size_t j = 0; j < 128; j += 16)
            some = _mm_sub_epi8(some, _mm_cmpeq_epi8(_mm_load_si128((const __m128i *)(p + i + j)), wanted));
        total = _mm_add_epi64(total, _mm_sad_epu8(some, _mm_setzero_si128()));
    }
    return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(total, _mm_unpackhi_epi64(total, total)));
}

static void blend(uint8_t *to, const uint8_t *from, int alpha) {
    __m128i a = _mm_set1_epi16((short)alpha), b = _mm_set1_epi16((short)(256 - alpha)), zero = _mm_setzero_si128();
    for (size_t i = 0; i < SIZE; i += 16) {
        __m128i x = _mm_load_si128((const __m128i *)(from + i)), y = _mm_load_si128((const __m128i *)(to + i));
        __m128i low = _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(x, zero), a), _mm_mullo_epi16(_mm_unpacklo_epi8(y, zero), b));
        __m128i high = _mm_add_epi16(_mm_mullo_epi16(_mm_unpackhi_epi8(x, zero), a), _mm_mullo_epi16(_mm_unpackhi_epi8(y, zero), b));
        _mm_store_si128((__m128i *)(to + i), _mm_packus_epi16(_mm_srli_epi16(low, 8), _mm_srli_epi16(high, 8)));
    }
}

static double dot(const double *a, const double *b, size_t count) {
    __m128d s = _mm_setzero_pd(), t = _mm_setzero_pd();
    for (size_t i = 0; i < count; i += 4) {
        s = _mm_add_pd(s, _mm_mul_pd(_mm_load_pd(a + i), _mm_load_pd(b + i)));
        t = _mm_add_pd(t, _mm_mul_pd(_mm_load_pd(a + i + 2), _mm_load_pd(b + i + 2)));
    }
    s = _mm_add_pd(s, t);
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 130);
    static _Alignas(16) uint8_t a[SIZE], b[SIZE];
    static _Alignas(16) double x[8192], y[8192];
    bench_text((char *)a, SIZE, 14);
    bench_text((char *)b, SIZE, 15);
    for (int i = 0; i < 8192; i++) x[i] = i / 3.0, y[i] = 1 / (i + 1.0);
    uint64_t count = 0;
    double sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        for (int byte = 0; byte < 256; byte++) count += (unsigned)byte * count_byte(a, (uint8_t)byte);
        for (int alpha = 0; alpha < 256; alpha++) blend(a, b, alpha);
        for (int i = 0; i < 1000; i++) sum += dot(x, y, 8192);
        b[r % SIZE] += 7;
    }
    printf("%llu %.3f\n", (unsigned long long)count, sum);
}
