// Each thread handles its own faults, while others run in between.
#include "../show.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <ucontext.h>
static __thread sigjmp_buf out;
static __thread int count;
static void handle(int number, siginfo_t *info, void *context) {
    count++;
    sched_yield();
    if (number == SIGSEGV) siglongjmp(out, 1);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}
static void *run(void *argument) {
    double sum = (long)argument;
    for (volatile int i = 0; i < 100; i++) {
        if (!sigsetjmp(out, 1)) *(volatile int *)16 = 1;
        sum += 0.5;
        __asm__ volatile("ud2\n" ::: "memory");
        sched_yield();
    }
    return (void *)(long)(sum * 1000 + count);
}
int main(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGILL, &action, 0);
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, run, (void *)i);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("%ld\n", (long)result);
    }
    return 0;
}
