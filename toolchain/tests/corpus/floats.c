#include <float.h>
#include <math.h>
#include <stdio.h>
int main(void) {
    double s = 0; float f = 0;
    for (int i = 1; i <= 2000; i++) { s += 1.0 / i; f += 1.0f / (float)i; }
    printf("%.17g %.9g\n", s, (double)f);
    double v[] = {0.0, -0.0, 1.5, -2.5, 1e300, 1e-310, DBL_MAX, DBL_MIN, INFINITY, -INFINITY, NAN, 0.1, 123456789.987654321};
    for (unsigned i = 0; i < sizeof v / sizeof *v; i++)
        printf("%g %a %d %d %g %g %g\n", v[i], v[i], isnan(v[i]) != 0, signbit(v[i]) != 0 && !isnan(v[i]), trunc(v[i]), floor(v[i]), fabs(v[i]));
    printf("%.15g %.15g %.15g %.15g\n", sin(1.0), cos(2.0), exp(1.5), pow(2.5, 3.5));
    printf("%.15g %.15g %.15g %.15g\n", log(10.0), atan2(1, -3), fmod(10.5, 3.2), cbrt(27.5));
    printf("%.15g %.15g %.15g %.15g\n", tgamma(5.5), erf(0.3), hypot(3e200, 4e200), ldexp(0.75, 30));
    int e; double m = frexp(1234.5, &e); printf("%.6f %d %.15g %.15g\n", m, e, sqrt(2), nextafter(1, 2) - 1);
    volatile double big = 1e18, neg = -3.99; volatile float fl = 16777217.0f;
    printf("%lld %d %u %.1f %ld\n", (long long)big, (int)neg, (unsigned)3.99e9, (double)fl, lrint(2.5));
    printf("%d %d %d %d\n", 1.0 < NAN, NAN != NAN, -0.0 == 0.0, INFINITY > DBL_MAX);
    return 0;
}
