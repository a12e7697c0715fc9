#include <setjmp.h>
#include <stdio.h>
static jmp_buf env, outer;
static int depth;
static void dive(int n) { depth++; if (n == 0) longjmp(env, depth); dive(n - 1); }
static int protect(void (*f)(int), int x) {
    jmp_buf saved;
    __builtin_memcpy(saved, env, sizeof saved);
    int r = setjmp(env);
    if (r == 0) f(x);
    __builtin_memcpy(env, saved, sizeof saved);
    return r;
}
static void nested(int x) { int r = protect(dive, x); if (r > 3) longjmp(env, r * 100); longjmp(outer, 5); }
int main(void) {
    volatile int tries = 0;
    int r = setjmp(outer);
    printf("outer %d tries %d\n", r, tries);
    if (tries++ < 2) {
        printf("protect %d\n", protect(dive, 10)); depth = 0;
        printf("nested %d\n", protect(nested, 4)); depth = 0;
        if (tries == 2) return 0;
        protect(nested, 1);
    }
    sigjmp_buf s;
    volatile int k = 0;
    if (sigsetjmp(s, 1) < 3) siglongjmp(s, ++k);
    printf("k %d depth %d\n", k, depth);
    return 0;
}
