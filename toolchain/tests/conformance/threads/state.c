// Rounding mode, vector registers and the x87 stack are each thread's own, across system calls.
#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
static void *run(void *argument) {
    long n = (long)argument, bad = 0;
    fesetround(modes[n]);
    for (int i = 0; i < 200; i++) {
        double want = n * 1000 + i, got = 0;
        long double deep = want + 0.5L, back = 0;
        long number = SYS_sched_yield;
        __asm__ volatile("movsd %[want], %%xmm9\n\tfldt %[deep]\n\tsyscall\n\tfstpt %[back]\n\tmovsd %%xmm9, %[got]"
                         : [got] "=m"(got), [back] "=m"(back), "+a"(number)
                         : [want] "m"(want), [deep] "m"(deep)
                         : "rcx", "r11", "xmm9", "memory");
        volatile double one = 1, three = 3;
        double third = one / three;
        bad += got != want || back != deep || fegetround() != modes[n];
        bad += third > 0.33333333333333333 != (n == 1);
    }
    return (void *)bad;
}
int main(void) {
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, run, (void *)i);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("%ld ", (long)result);
    }
    printf("%d\n", fegetround() == FE_TONEAREST);
    return 0;
}
