#include <stdio.h>
#include <string.h>
struct c1 { char a; }; struct c3 { char a[3]; }; struct i2 { int a, b; }; struct l2 { long a, b; }; struct l3 { long a, b, c; };
struct f2 { float a, b; }; struct d2 { double a, b; }; struct mix { double d; int i; }; struct ld { long double x; };
union u { int i; float f; char c[12]; };
struct bits { unsigned a : 3, b : 7, c : 22; signed d : 5; unsigned long e : 40; };
#define RET(T) __attribute__((noinline)) static struct T back_##T(struct T x) { return x; }
RET(c1) RET(c3) RET(i2) RET(l2) RET(l3) RET(f2) RET(d2) RET(mix) RET(ld)
__attribute__((noinline)) static struct l3 many(struct i2 a, struct l3 b, struct d2 c, struct mix d, struct f2 e, int f, long g, struct c3 h) {
    struct l3 r = {a.a + b.a + (long)c.a + (long)d.d + f, a.b * b.b + d.i + g, b.c + (long)e.a + (long)e.b + h.a[0] + h.a[2]};
    return r;
}
int main(void) {
    struct c3 c = back_c3((struct c3){{1, 2, 3}}); struct l3 l = back_l3((struct l3){4, 5, 6});
    struct mix m = back_mix((struct mix){1.5, 9}); struct f2 f = back_f2((struct f2){.25f, -4});
    struct ld x = back_ld((struct ld){2.5L}); struct d2 d = back_d2((struct d2){7, 8}); struct i2 i = back_i2((struct i2){10, 11});
    printf("%d %d %d %ld %ld %ld %.2f %d %.2f %.2f %.2Lf %.1f %d %d\n", c.a[0], c.a[1], c.a[2], l.a, l.b, l.c, m.d, m.i, (double)f.a,
           (double)f.b, x.x, d.b, i.b, back_c1((struct c1){'q'}).a);
    struct l3 r = many(i, l, d, m, f, 100, 1000, c);
    printf("%ld %ld %ld %ld\n", r.a, r.b, r.c, back_l2((struct l2){1, 2}).b);
    union u u; memset(&u, 0, sizeof u); u.f = 1.0f; printf("%x %zu\n", (unsigned)u.i, sizeof u);
    struct bits b = {5, 100, 3000000, -9, 0xabcdef1234}; b.a += 4; b.c ^= b.b;
    printf("%u %u %u %d %lx\n", b.a, b.b, b.c, b.d, (unsigned long)b.e);
    return 0;
}
