//#cflags: -fPIC
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Everything through the GOT, as far as the linker leaves it. */
int global = 5; extern char **environ; static int hidden = 7; int twice(int x) { return x * 2; } static int thrice(int x) { return x * 3; } int (*chosen)(int) = twice; __attribute__((weak)) int missing(int);
static const void *const labels(int i) { static const int (*const t[])(const char *) = {(const int (*const)(const char *))atoi}; return (const void *)t[i]; }
static _Thread_local int tls = 3; __attribute__((noinline)) static int *tp(void) { return &tls; }
int main(void) { chosen = global > 4 ? thrice : twice; *tp() += hidden; printf("%d %d %d %d %d\n", chosen(global), tls, missing ? missing(1) : 0, labels(0) == (const void *)atoi, environ != 0); int (*f)(const void *, const void *, size_t) = memcmp; printf("%d %d\n", f("a", "a", 1), (strlen)("abc") == 3); return 0; }
