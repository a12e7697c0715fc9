#include <stdio.h>
static const char *f(long x) {
    switch (x) {
    case -1000000: return "minus a million"; case -5: return "minus five"; case 0: return "zero"; case 17: return "seventeen";
    case 1 << 20: return "a mebi"; case 1L << 40: return "a tebi"; case 0x7fffffffffffffff: return "the most";
    case 1000 ... 1003: return "about a thousand"; default: return "other";
    }
}
int main(void) {
    long v[] = {-1000000, -5, -4, 0, 17, 18, 1000, 1003, 1004, 1 << 20, 1L << 40, 0x7fffffffffffffff, -0x7fffffffffffffff - 1};
    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) printf("%ld: %s\n", v[i], f(v[i]));
    return 0;
}
