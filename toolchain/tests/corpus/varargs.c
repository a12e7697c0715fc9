#include <stdarg.h>
#include <stdio.h>
struct small { int a, b; };
struct big { double x[3]; int n; };
static double mixed(const char *types, ...) {
    va_list ap, again;
    va_start(ap, types);
    va_copy(again, ap);
    double sum = 0;
    for (const char *t = types; *t; t++) switch (*t) {
        case 'i': sum += va_arg(ap, int); break;
        case 'l': sum += (double)va_arg(ap, long); break;
        case 'd': sum += va_arg(ap, double); break;
        case 'L': sum += (double)va_arg(ap, long double); break;
        case 's': { struct small s = va_arg(ap, struct small); sum += s.a * 10 + s.b; break; }
        case 'b': { struct big b = va_arg(ap, struct big); sum += b.x[0] + b.x[1] + b.x[2] + b.n; break; }
        case 'p': sum += *va_arg(ap, int *); break;
    }
    int first = types[0] == 'i' ? va_arg(again, int) : 0;
    va_end(again);
    va_end(ap);
    return sum + first / 1000.0;
}
static int format(char *to, size_t n, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int r = vsnprintf(to, n, fmt, ap);
    va_end(ap);
    return r;
}
int main(void) {
    int x = 99;
    printf("%.4f\n", mixed("iiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8));
    printf("%.4f\n", mixed("dddddddddd", 1., 2., 3., 4., 5., 6., 7., 8., 9., .5));
    printf("%.4f\n", mixed("isLbpld", 5, (struct small){1, 2}, 3.25L, (struct big){{1, 2, 3}, 4}, &x, 1L << 40, -.5));
    char buf[32];
    int n = format(buf, sizeof buf, "%d-%s-%c-%5.1f-%llx", -7, "abc", 'z', 2.25, 0xdeadbeefcafeULL);
    printf("%d %s\n", n, buf);
    return 0;
}
