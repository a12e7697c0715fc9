#include <stdio.h>
typedef double (*binary)(double, double);
static double add(double a, double b) { return a + b; }
static double sub(double a, double b) { return a - b; }
static double mul(double a, double b) { return a * b; }
static const struct { const char *name; binary f; int arity; } ops[] = {{"add", add, 2}, {"sub", sub, 2}, {"mul", mul, 2}};
struct shape { const struct vtable *vt; int a, b; };
struct vtable { int (*area)(const struct shape *); const char *(*name)(void); };
static int rect(const struct shape *s) { return s->a * s->b; }
static int tri(const struct shape *s) { return s->a * s->b / 2; }
static const char *rname(void) { return "rect"; }
static const char *tname(void) { return "tri"; }
static const struct vtable vts[] = {{rect, rname}, {tri, tname}};
static binary pick(int i) { return ops[i % 3].f; }
int (*volatile null_check)(const struct shape *) = 0;
static int same(binary a, binary b) { return a == b; }
int main(void) {
    for (int i = 0; i < 3; i++) printf("%s %.2f\n", ops[i].name, ops[i].f(7, 3.5));
    struct shape s[] = {{&vts[0], 3, 4}, {&vts[1], 3, 4}, {&vts[0], 10, 10}};
    for (int i = 0; i < 3; i++) printf("%s %d\n", s[i].vt->name(), s[i].vt->area(&s[i]));
    printf("%.1f %d %d\n", pick(5)(2, 8), same(pick(1), sub), same(pick(1), add));
    if (!null_check) null_check = tri;
    printf("%d\n", null_check(&s[2]));
    int (*print)(const char *, ...) = printf;
    print("%s %d\n", "through a pointer", 42);
    return 0;
}
