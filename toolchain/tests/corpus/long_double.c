#include <math.h>
#include <stdio.h>
int main(void) {
    long double s = 0, x = 1.0L / 3;
    for (int i = 1; i < 200; i++) s += x / i * (i % 2 ? 1 : -1);
    printf("%.18Lf %.15Le %Lg %La\n", s, s * 1e100L, x, 0.5L);
    printf("%.12Lf %.12Lf %.12Lf\n", sqrtl(2), fabsl(-x), fmodl(10.75L, 3.1L));
    printf("%.12Lf %.12Lf %.12Lf %.12Lf\n", expl(1.25L), logl(7.5L), log2l(10), log10l(2));
    printf("%.12Lf %.12Lf %.12Lf %.12Lf\n", sinl(1), cosl(1), tanl(1), atan2l(1, 2));
    printf("%.12Lf %.12Lf %.12Lf %.12Lf\n", powl(1.5L, 2.5L), asinl(.3L), acosl(.3L), atanl(5));
    printf("%.12Lf %.12Lf %.12Lf %.12Lf\n", expm1l(.001L), log1pl(.001L), exp2l(3.3L), cbrtl(5));
    printf("%.12Lf %.12Lf %.12Lf %.12Lf\n", sinhl(.7L), coshl(.7L), tanhl(.7L), hypotl(3, 4));
    printf("%.12Lf %.12Lf %.12Lf %ld\n", floorl(-2.5L), ceill(-2.5L), roundl(2.5L), lrintl(3.5L));
    printf("%d %d %d\n", isnan(s - s) != 0, isinf(1e4900L * 1e4900L) != 0, (int)(long double)-7.9L);
    long double big = 18446744073709551615.0L; unsigned long long u = (unsigned long long)big; printf("%llu %.1Lf\n", u, (long double)u);
    return 0;
}
