#include <stdio.h>
static int odd(unsigned n);
static int even(unsigned n) { return n == 0 ? 1 : odd(n - 1); }
static int odd(unsigned n) { return n == 0 ? 0 : even(n - 1); }
typedef long (*step)(long, long);
static long stop(long a, long b) { return a * 1000 + b; }
static long more(long a, long b);
static const step steps[] = {stop, more};
static long more(long a, long b) { return steps[a > 0](a - 1, b + a); }
struct obj { step f; };
static long call(const struct obj *o, long a) { return o->f(a, 0); }
int main(void) {
    printf("%d %d\n", even(5000), odd(4999));
    struct obj o = {more};
    printf("%ld %ld\n", more(50, 0), call(&o, 9));
    return 0;
}
