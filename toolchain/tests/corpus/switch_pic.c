//#cflags: -fPIC
#include <stdio.h>
/* Relative jump tables: entries are distances from a base that only the code knows. Several in one function. */
int g(int a, int b) {
    int r = 0;
    switch (a) {
    case 0: r = b + 1; break; case 1: r = b * 2; break; case 2: r = b - 3; break; case 3: r = b * b; break;
    case 4: r = b ^ 4; break; case 5: r = -b; break; case 6: r = b << 2; break; case 7: r = 77; break;
    }
    switch (b & 7) {
    case 0: r += 10; break; case 1: r -= 11; break; case 2: r *= 12; break; case 3: r ^= 13; break;
    case 4: r |= 14; break; case 5: r &= 0xff; break; case 6: r += 16; /* falls */ case 7: r += 17; break;
    }
    return r;
}
int main(void) {
    unsigned sum = 0;
    for (int a = -1; a < 10; a++)
        for (int b = 0; b < 20; b++) sum = sum * 31 + (unsigned)g(a, b);
    printf("%u\n", sum);
    for (int a = 0; a < 8; a++) printf("%d ", g(a, 5));
    puts("");
    return 0;
}
