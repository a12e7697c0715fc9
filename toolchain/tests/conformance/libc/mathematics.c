#include "../show.h"
#include <fenv.h>
#include <math.h>
int main(void) {
    double values[] = {0.5, 1, 2.5, 10, 1e10, -0.75};
    for (int i = 0; i < 6; i++) {
        double x = values[i];
        printf("%a %a %a %a %a %a\n", sin(x), cos(x), exp(x / 10), atan(x), cbrt(x), tanh(x));
    }
    printf("%a %a %a %a\n", sqrt(2), log(3), pow(2, 0.5), fma(1e16, 1 + 1e-16, -1e16));
    printf("%g %g %g %g\n", floor(-1.5), round(2.5), rint(2.5), fmod(-7, 3));
    printf("%d %d %d\n", isnan(sqrt(-1)) != 0, isinf(1 / 0.0) != 0, signbit(-0.0) != 0);
    int exponent;
    printf("%g %d\n", frexp(48, &exponent), exponent);
    printf("%La %La\n", sinl(1.0L), expl(1.0L));
    feclearexcept(FE_ALL_EXCEPT);
    volatile double zero = 0, one = 1;
    one / zero;
    printf("%d\n", fetestexcept(FE_DIVBYZERO) != 0);
    printf("%a %a %a\n", lgamma(5.5), erf(0.3), j0(1.5));
    return 0;
}
