int common[4]; int shared = 17; int overridden(void) { return 2; } __attribute__((weak)) int weak_one(void) { return 11; }
static int a(int x) { return x + 1; } static int b(int x) { return x * 2; } static int c(int x) { return a(b(x)); }
int (*const table[])(int) = {a, b, c};
