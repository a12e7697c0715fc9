// Floating point: matrices multiplied, by rows and by blocks; the compiler makes vectors of it.
#include "bench.h"

enum { N = 320, BLOCK = 32 };

static double a[N][N], b[N][N], c[N][N];

static void by_rows(void) {
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            double f = a[i][k];
            for (int j = 0; j < N; j++) c[i][j] += f * b[k][j];
        }
}

static void by_blocks(void) {
    for (int ii = 0; ii < N; ii += BLOCK)
        for (int kk = 0; kk < N; kk += BLOCK)
            for (int jj = 0; jj < N; jj += BLOCK)
                for (int i = ii; i < ii + BLOCK; i++)
                    for (int j = jj; j < jj + BLOCK; j++) {
                        double sum = c[i][j];
                        for (int k = kk; k < kk + BLOCK; k++) sum += a[i][k] * b[k][j];
                        c[i][j] = sum;
                    }
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 66);
    uint64_t state = 10;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(bench_random(&state) >> 48) / 65536;
            b[i][j] = (double)(bench_random(&state) >> 48) / 65536;
        }
    for (unsigned r = 0; r < rounds; r++) {
        by_rows();
        by_blocks();
        a[r % N][r % N] += 1;
    }
    double trace = 0;
    for (int i = 0; i < N; i++) trace += c[i][i];
    printf("%.6f\n", trace);
}
