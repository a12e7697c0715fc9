// Floating point: fast Fourier transforms there and back.
#include "bench.h"
#include <complex.h>
#include <math.h>

enum { LOG = 16, N = 1 << LOG };

static double re[N], im[N], cosines[N / 2], sines[N / 2];

static void transform(int inverse) {
    for (unsigned i = 0, j = 0; i < N; i++) {
        if (i < j) {
            double t = re[i];
            re[i] = re[j], re[j] = t;
            t = im[i];
            im[i] = im[j], im[j] = t;
        }
        unsigned bit = N >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
    }
    for (unsigned half = 1; half < N; half *= 2) {
        unsigned step = N / 2 / half;
        for (unsigned start = 0; start < N; start += 2 * half)
            for (unsigned k = 0; k < half; k++) {
                double c = cosines[k * step], s = inverse ? sines[k * step] : -sines[k * step];
                unsigned a = start + k, b = a + half;
                double x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
                re[b] = re[a] - x, im[b] = im[a] - y;
                re[a] += x, im[a] += y;
            }
    }
    if (inverse)
        for (unsigned i = 0; i < N; i++) re[i] /= N, im[i] /= N;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 300);
    for (unsigned i = 0; i < N / 2; i++) {
        cosines[i] = cos(2 * 3.141592653589793 * i / N);
        sines[i] = sin(2 * 3.141592653589793 * i / N);
    }
    uint64_t state = 9;
    for (unsigned i = 0; i < N; i++) re[i] = (double)(bench_random(&state) >> 40) / (1 << 24);
    double sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        transform(0);
        sum += hypot(re[r + 1], im[r + 1]);
        transform(1);
    }
    printf("%.6f %.9f %.9f\n", sum, re[1], re[N - 1]);
}
