// Who waits for a thread or a signal without a call, by `pause` or by nothing but looking, does not wait for ever; and pause
// changes no register and no flag.
#include "../show.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
static volatile int flag;
static pthread_spinlock_t lock;
static int count;
static void *waits(void *argument) {
    while (!flag) __builtin_ia32_pause();
    return argument;
}
static void *looks(void *argument) {
    while (!flag);
    return argument;
}
static int taken;
static void *takes(void *argument) {
    for (int i = 0; i < 200; i++) {
        while (__atomic_exchange_n(&taken, 1, __ATOMIC_ACQUIRE));
        int before = count;
        sched_yield();
        count = before + 1;
        __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
        sched_yield();
        int free = 0;
        while (!__atomic_compare_exchange_n(&taken, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) free = 0;
        before = count;
        sched_yield();
        count = before + 1;
        __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
    }
    return argument;
}
static void *counts(void *argument) {
    for (int i = 0; i < 500; i++) {
        pthread_spin_lock(&lock);
        int before = count;
        sched_yield();
        count = before + 1;
        pthread_spin_unlock(&lock);
    }
    return argument;
}
static void caught(int signal) { flag = signal; }
static sigjmp_buf out;
static void leaves(int signal) { siglongjmp(out, signal); }
int main(void) {
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, waits, (void *)i);
    sched_yield();
    flag = 1;
    for (long i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("%ld ", (long)result);
    }
    puts("");
    pthread_spin_init(&lock, 0);
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, counts, 0);
    for (long i = 0; i < 4; i++) pthread_join(threads[i], 0);
    printf("%d\n", count);
    count = flag = 0;
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, looks, 0);
    sched_yield();
    flag = 1;
    for (long i = 0; i < 4; i++) pthread_join(threads[i], 0);
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, takes, 0);
    for (long i = 0; i < 4; i++) pthread_join(threads[i], 0);
    printf("%d\n", count);
    signal(SIGALRM, leaves);
    if (!sigsetjmp(out, 1)) {
        ualarm(1000, 0);
        for (;;);
    }
    signal(SIGALRM, caught);
    flag = 0;
    ualarm(1000, 0);
    waits(0);
    printf("%d\n", flag == SIGALRM);
    flag = 0;
    ualarm(1000, 0);
    looks(0);
    printf("%d\n", flag == SIGALRM);
    long a = 1, c = 2, d = 3, si = 4, di = 5, r8 = 6, below = 7;
    unsigned char carry, zero;
    __asm__ volatile("mov %6, -8(%%rsp); stc; mov $8, %%r11; pause; setc %7; cmp $8, %%r11; sete %8; mov -8(%%rsp), %6"
                     : "+a"(a), "+c"(c), "+d"(d), "+S"(si), "+D"(di), "+r"(r8), "+r"(below), "=m"(carry), "=m"(zero)
                     :
                     : "r11", "cc", "memory");
    printf("%ld %ld %ld %ld %ld %ld %ld %d %d\n", a, c, d, si, di, r8, below, carry, zero);
    return 0;
}
