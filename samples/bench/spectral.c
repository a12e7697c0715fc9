// Floating point: the spectral norm of a matrix that is computed, never stored; divisions.
#include "bench.h"
#include <math.h>

enum { N = 600 };

static double a(int i, int j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }

static void multiply(const double *v, double *out) {
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int j = 0; j < N; j++) sum += a(i, j) * v[j];
        out[i] = sum;
    }
}

static void multiply_transposed(const double *v, double *out) {
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int j = 0; j < N; j++) sum += a(j, i) * v[j];
        out[i] = sum;
    }
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 600);
    static double u[N], v[N], t[N];
    for (int i = 0; i < N; i++) u[i] = 1;
    for (unsigned r = 0; r < rounds; r++) {
        multiply(u, t), multiply_transposed(t, v);
        multiply(v, t), multiply_transposed(t, u);
        double most = 0;
        for (int i = 0; i < N; i++) most = u[i] > most ? u[i] : most;
        for (int i = 0; i < N; i++) u[i] /= most, v[i] /= most;
    }
    double vBv = 0, vv = 0;
    for (int i = 0; i < N; i++) vBv += u[i] * v[i], vv += v[i] * v[i];
    printf("%.9f\n", sqrt(vBv / vv));
}
