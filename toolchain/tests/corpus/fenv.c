//#cflags: -frounding-math
#include <fenv.h>
#include <math.h>
#include <stdio.h>
int main(void) {
    int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    volatile double one = 1, three = 3, half = 2.5; volatile long double lone = 1, lthree = 3;
    for (int i = 0; i < 4; i++) {
        fesetround(modes[i]);
        printf("%d %.20g %.20g %ld %.21Lg\n", fegetround() == modes[i], one / three, -one / three, lrint(half), lone / lthree);
    }
    fesetround(FE_TONEAREST);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double zero = 0, r = one / zero;
    printf("%d %d %d\n", fetestexcept(FE_DIVBYZERO) != 0, fetestexcept(FE_INVALID) != 0, isinf(r) != 0);
    feraiseexcept(FE_INVALID); printf("%d\n", fetestexcept(FE_INVALID) != 0);
    fenv_t env; feholdexcept(&env); r = zero / zero; printf("%d\n", fetestexcept(FE_INVALID) != 0);
    feclearexcept(FE_ALL_EXCEPT); fesetenv(&env); printf("%d\n", fetestexcept(FE_DIVBYZERO) != 0);
    fesetenv(FE_DFL_ENV); printf("%d\n", fetestexcept(FE_ALL_EXCEPT));
    return 0;
}
