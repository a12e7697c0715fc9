//#cflags: -march=x86-64-v3
//#needs: avx2
#include <immintrin.h>
#include <stdio.h>
static int data[512], idx[8] = {3, 77, 5, 400, 0, 511, 8, 99}; static double d[64];
int main(void) {
    for (int i = 0; i < 512; i++) data[i] = i * i - 1000; for (int i = 0; i < 64; i++) d[i] = i / 8.0;
    __m256i acc = _mm256_setzero_si256();
    for (int i = 0; i < 512; i += 8) acc = _mm256_add_epi32(acc, _mm256_mullo_epi32(_mm256_loadu_si256((const __m256i *)(data + i)), _mm256_set1_epi32(i | 1)));
    __m256i g = _mm256_i32gather_epi32(data, _mm256_loadu_si256((const __m256i *)idx), 4);
    int v[8], w[8]; _mm256_storeu_si256((__m256i *)v, acc); _mm256_storeu_si256((__m256i *)w, g);
    for (int i = 0; i < 8; i++) printf("%d %d ", v[i], w[i]); puts("");
    __m256d s = _mm256_setzero_pd(); for (int i = 0; i < 64; i += 4) s = _mm256_fmadd_pd(_mm256_loadu_pd(d + i), _mm256_set1_pd(2.0), s);
    double r[4]; _mm256_storeu_pd(r, s); printf("%.3f %.3f\n", r[0] + r[1], r[2] + r[3]);
    printf("%llu %llu %u %u\n", (unsigned long long)_pdep_u64(0xabcd, 0x0f0f0f0f0f0f0f0f), (unsigned long long)_pext_u64(0x123456789abcdef0, 0xff00ff00ff00ff00), _tzcnt_u32(0), _lzcnt_u32(1));
    unsigned long long hi, lo = _mulx_u64(0x123456789abcdefull, 0xfedcba987654321ull, &hi); printf("%llx %llx %u\n", lo, hi, _andn_u32(0xff, 0xabcd));
    return 0;
}
