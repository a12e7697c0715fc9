#include <stdio.h>
/* A dense switch: an absolute jump table without PIC. */
static int f(int x) {
    switch (x) {
    case 0: return 7; case 1: return x * 3; case 2: return x << 4; case 3: return ~x; case 4: return x - 100;
    case 5: puts("five"); return 55; case 6: return f(5) + 1; case 7: return 0x7fff; case 8: return x / 3;
    case 9: return x % 4; case 10: return x ^ 0x55; case 12: return 12; case 13: return -13; default: return -1;
    }
}
static const char *name(unsigned char c) {
    switch (c) {
    case 'a': return "alpha"; case 'b': return "bravo"; case 'c': return "charlie"; case 'd': return "delta";
    case 'e': return "echo"; case 'f': return "foxtrot"; case 'g': return "golf"; default: return "?";
    }
}
int main(void) {
    for (int i = -2; i < 16; i++) printf("%d -> %d\n", i, f(i));
    for (const char *p = "badgefacez"; *p; p++) printf("%s ", name((unsigned char)*p));
    puts("");
    return 0;
}
