//#cflags: -fcommon
#include <stdio.h>
#include <stdlib.h>
int common[4]; extern int shared; int weak_one(void); __attribute__((weak)) int nowhere(void); extern int (*const table[])(int); extern __attribute__((weak)) int no_data;
static void __attribute__((constructor(101))) first(void) { puts("constructor 101"); }
static void __attribute__((constructor)) second(void) { puts("constructor"); }
static void __attribute__((destructor)) last(void) { puts("destructor"); }
static void bye1(void) { puts("atexit 1"); }
static void bye2(void) { puts("atexit 2"); }
__attribute__((weak)) int overridden(void) { return 1; }
int main(void) {
    atexit(bye1); atexit(bye2); common[2] += shared;
    printf("%d %d %d %d\n", common[2], weak_one(), overridden(), nowhere ? nowhere() : -1);
    for (int i = 0; i < 3; i++) printf("%d ", table[i](10)); printf("%d\n", &no_data == 0);
    return 0;
}
