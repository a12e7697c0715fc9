#include <complex.h>
#include <stdbool.h>
#include <stdio.h>
#include <tgmath.h>
static double complex sq(double complex z) { return z * z + 1.0 * I; } static float complex half(float complex z) { return z / 2; } static long double complex lsum(long double complex a, long double complex b) { return a + b * 2; }
enum e { A = -1, B = 1 << 20, C }; static bool both(bool a, int b) { return a && b; } static _Bool to_bool(double d) { return d; }
int main(void) {
    double complex z = sq(1.5 - 2 * I); printf("%.3f %.3f %.6f %.6f\n", creal(z), cimag(z), cabs(z), carg(z)); float complex h = half(3 + 4 * I); printf("%.2f %.2f\n", (double)crealf(h), (double)cimagf(h)); long double complex l = lsum(1 + I, 2 - I); printf("%.2Lf %.2Lf\n", creall(l), cimagl(l));
    z = cexp(I * 3.14159265358979) + csqrt(-4); printf("%.6f %.6f\n", creal(z), cimag(z)); z = (1 + 2 * I) / (3 - 4 * I); printf("%.6f %.6f\n", creal(z), cimag(z)); printf("%d %d %d %d %d\n", both(true, 256), to_bool(0.1), to_bool(-0.0), C, sizeof(enum e) == 4);
    signed char c = (signed char)200; unsigned char u = (unsigned char)-1; short s = (short)0x12345; printf("%d %d %d %d %u\n", c, u, s, c >> 2, (unsigned)c >> 28); volatile int i = -7; printf("%d %d %u %ld\n", i / 2, i % 3, (unsigned)i / 2, (long)i << 33 >> 31); int arr[] = {[3] = 4, [1] = 2}; printf("%zu %d %d\n", sizeof arr / sizeof *arr, arr[2], *(&arr[3]));
    return 0;
}
