#include <emmintrin.h>
#include <stdint.h>
#include <stdio.h>
typedef int v4 __attribute__((vector_size(16)));
typedef float f4 __attribute__((vector_size(16)));
static int32_t data[1024], out[1024]; static float fl[256];
int main(void) {
    for (int i = 0; i < 1024; i++) data[i] = (i * 7919) ^ (i << 7);
    for (int i = 0; i < 256; i++) fl[i] = (float)(i % 17) * 0.25f;
    __m128i acc = _mm_setzero_si128();
    for (int i = 0; i < 1024; i += 4) {
        __m128i x = _mm_loadu_si128((const __m128i *)(data + i));
        acc = _mm_add_epi32(acc, _mm_xor_si128(_mm_slli_epi32(x, 3), _mm_shuffle_epi32(x, 0x1b)));
        _mm_storeu_si128((__m128i *)(out + 1020 - i), _mm_sub_epi32(x, acc));
    }
    int32_t lane[4]; _mm_storeu_si128((__m128i *)lane, acc);
    printf("%d %d %d %d %d\n", lane[0], lane[1], lane[2], lane[3], out[77]);
    __m128 s = _mm_setzero_ps();
    for (int i = 0; i < 256; i += 4) s = _mm_add_ps(s, _mm_mul_ps(_mm_loadu_ps(fl + i), _mm_sqrt_ps(_mm_loadu_ps(fl + 252 - i))));
    float f[4]; _mm_storeu_ps(f, s); printf("%.4f %.4f\n", (double)(f[0] + f[1]), (double)(f[2] + f[3]));
    v4 a = {1, 2, 3, 4}, b = {9, 8, 7, 6}; v4 c = (a * b + 5) >> 1; f4 g = __builtin_convertvector(c, f4) / 3.0f;
    printf("%d %d %d %d %.3f\n", c[0], c[1], c[2], c[3], (double)g[2]);
    printf("%d %d\n", _mm_movemask_epi8(_mm_cmpgt_epi8(_mm_set1_epi8(3), _mm_loadu_si128((const __m128i *)data))), _mm_cvtsd_si32(_mm_set_sd(-7.5)));
    __m128d d = _mm_set_pd(1.5, 2.5); d = _mm_mul_pd(d, _mm_shuffle_pd(d, d, 1)); printf("%.3f %d\n", _mm_cvtsd_f64(d), _mm_movemask_pd(_mm_sub_pd(_mm_setzero_pd(), d)));
    _mm_stream_si128((__m128i *)(void *)((uintptr_t)(out + 8) & ~15ul), acc); _mm_sfence(); puts("streamed");
    return 0;
}
