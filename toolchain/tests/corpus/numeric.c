#include <math.h>
#include <stdio.h>
static double m[40][40], a[40][40], b[40][40]; struct body { double p[3], v[3], m; };
int main(void) {
    for (int i = 0; i < 40; i++) for (int j = 0; j < 40; j++) { a[i][j] = (i * 7 + j * 3) % 11 - 5; b[i][j] = (i + j) % 5 * .5; }
    for (int i = 0; i < 40; i++) for (int j = 0; j < 40; j++) for (int k = 0; k < 40; k++) m[i][j] += a[i][k] * b[k][j]; double tr = 0; for (int i = 0; i < 40; i++) tr += m[i][39 - i]; printf("%.3f\n", tr);
    struct body n[3] = {{{0, 0, 0}, {0, 0, 0}, 100}, {{10, 0, 0}, {0, 3, 0}, 1}, {{0, 15, 1}, {-2, 0, .5}, 2}}; for (int s = 0; s < 2000; s++) { for (int i = 0; i < 3; i++) for (int j = 0; j < 3; j++) if (i != j) { double d[3], r2 = 0; for (int k = 0; k < 3; k++) { d[k] = n[j].p[k] - n[i].p[k]; r2 += d[k] * d[k]; } double f = n[j].m / (r2 * sqrt(r2)) * .005; for (int k = 0; k < 3; k++) n[i].v[k] += d[k] * f; } for (int i = 0; i < 3; i++) for (int k = 0; k < 3; k++) n[i].p[k] += n[i].v[k] * .005; } printf("%.6f %.6f %.6f\n", n[1].p[0], n[1].p[1], n[2].p[2]);
    int in = 0; for (int y = 0; y < 40; y++) for (int x = 0; x < 80; x++) { double cr = x / 30.0 - 2, ci = y / 20.0 - 1, zr = 0, zi = 0; int k = 0; for (; k < 60 && zr * zr + zi * zi < 4; k++) { double t = zr * zr - zi * zi + cr; zi = 2 * zr * zi + ci; zr = t; } in += k; } printf("%d\n", in);
    static unsigned dig[600]; int len = 1; dig[0] = 1; for (unsigned f = 2; f <= 200; f++) { unsigned c = 0; for (int i = 0; i < len; i++) { c += dig[i] * f; dig[i] = c % 10; c /= 10; } while (c) { dig[len++] = c % 10; c /= 10; } } int sum = 0; for (int i = 0; i < len; i++) sum += (int)dig[i]; printf("%d %d\n", len, sum);
    float q = 0; for (int i = 0; i < 1000; i++) q = q * .5f + (float)(i % 3) - 1; printf("%.6f\n", (double)q); double in2 = 0; for (int i = 0; i < 1000; i++) { double x = i / 1000.0; in2 += exp(-x * x) * sin(x) / 1000; } printf("%.10f\n", in2);
    return 0;
}
