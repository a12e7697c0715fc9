// Floating point: the Mandelbrot set, a short loop that ends unpredictably.
#include "bench.h"

enum { WIDTH = 400, LIMIT = 500 };

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 7);
    uint64_t total = 0;
    for (unsigned r = 0; r < rounds; r++) {
        double size = 3.0 / (1 + r);
        for (int py = 0; py < WIDTH; py++)
            for (int px = 0; px < WIDTH; px++) {
                double cx = -0.7 + size * (px - WIDTH / 2) / WIDTH, cy = size * (py - WIDTH / 2) / WIDTH, x = 0, y = 0;
                int n = 0;
                for (; n < LIMIT && x * x + y * y < 4; n++) {
                    double t = x * x - y * y + cx;
                    y = 2 * x * y + cy, x = t;
                }
                total = total * 31 + (unsigned)n;
            }
    }
    printf("%016llx\n", (unsigned long long)total);
}
