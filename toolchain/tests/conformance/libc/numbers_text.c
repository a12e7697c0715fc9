// Numbers from text and back, at the edges.
#include "../show.h"
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
static void integer(const char *text, int base) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, base);
    printf("%s/%d: %ld rest \"%s\" %s; ", text, base, value, end, errno ? strerror(errno) : "fine");
    errno = 0;
    printf("%" PRIu64 " %s\n", (uint64_t)strtoull(text, &end, base), errno ? strerror(errno) : "fine");
}
static void real(const char *text) {
    char *end;
    errno = 0;
    double d = strtod(text, &end);
    printf("%s: %a %.17g rest \"%s\" %d ", text, d, d, end, errno);
    printf("%a ", strtof(text, 0));
    printf("%La\n", strtold(text, 0));
}
int main(void) {
    integer("9223372036854775807", 10), integer("9223372036854775808", 10), integer("-9223372036854775809", 10);
    integer("  +0x7fz", 16), integer("0x", 16), integer("0777", 0), integer("zz", 36), integer("12", 1), integer("", 10), integer("-1", 10);
    real("0.1"), real("1e400"), real("-1e-400"), real("4.9406564584124654e-324"), real("2.4703282292062327e-324"), real("0x1.8p3x");
    real("1.7976931348623158e308"), real("9007199254740993"), real("inf"), real("-nan"), real("infinit"), real("1e+"), real(".5."), real("-.e1");
    real("123456789012345678901234567890"), real("1.00000000000000011102230246251565404236316680908203125");
    double values[] = {0.0, -0.0, 1.0 / 3, 1e21, 123456.789, 5e-324, INFINITY, NAN, 0.5, 1.5, 2.5};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        printf("%g %e %f %.0f %a %10.3g|%-10.2e|%+.1f|%#.0f|%015.4f\n", values[i], values[i], values[i], values[i], values[i], values[i], values[i], values[i], values[i], values[i]);
    printf("%Lg %.30Lg %La\n", 1.0L / 3, 0.1L, 0.1L);
    printf("%d %i %u %o %x %X %#x %#o %c %5d|%-5d|%05d|%+d|% d|%.3d|%hhd %hd %ld %lld %zu %jd %td\n", -1, 2, 3u, 8u, 255u, 255u, 255u, 8u, 'c', 42, 42, 42, 42, 42, 7, 300, 70000, -1L, -1LL, (size_t)9, (intmax_t)10, (ptrdiff_t)-11);
    printf("%*d|%-*d|%.*f|%.3s|%%\n", 6, 42, 6, 42, 2, 3.14159, "xyzzy");
    printf("%2$s %1$s\n", "world", "hello");
    return 0;
}
