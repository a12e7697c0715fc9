//#cflags: -fPIC
#include <stdio.h>
/* Each of the four models by name; the linker relaxes what it can. */
#define MODEL(model) __attribute__((tls_model(model), visibility("default")))
MODEL("global-dynamic") _Thread_local int global = 1;
static MODEL("local-dynamic") _Thread_local int first = 2, second[3] = {3, 4, 5};
MODEL("initial-exec") _Thread_local int initial = 6;
MODEL("local-exec") _Thread_local int local = 7;
static MODEL("local-exec") _Thread_local char bytes[16];
static __attribute__((noinline)) int *slot(int which) {
    switch (which) { case 0: return &global; case 1: return &first; case 2: return &initial; case 3: return &local; default: return &second[which - 4]; }
}
int main(void) {
    volatile int index = 2;
    for (int i = 0; i < 7; i++) *slot(i) += i * 10;
    second[index] += global; bytes[index + 5] = (char)initial; bytes[index] += (char)local;
    for (int i = 0; i < 7; i++) printf("%d ", *slot(i));
    printf("%d %d\n", bytes[7], bytes[2]);
    return 0;
}
