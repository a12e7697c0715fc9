#include <stdatomic.h>
#include <stdio.h>
static atomic_int n; static atomic_ullong big; static _Atomic short s; static atomic_flag lock = ATOMIC_FLAG_INIT;
int main(void) {
    for (int i = 0; i < 1000; i++) { atomic_fetch_add(&n, i); atomic_fetch_xor(&big, (unsigned long long)i << 33); s += 3; }
    int expected = 5; _Bool a = atomic_compare_exchange_strong(&n, &expected, 1); int was = expected;
    _Bool b = atomic_compare_exchange_strong(&n, &expected, 42);
    printf("%d %d %d %d %llx %d\n", a, was, b, atomic_load(&n), atomic_load(&big), s);
    int f1 = atomic_flag_test_and_set(&lock), f2 = atomic_flag_test_and_set(&lock); atomic_flag_clear(&lock); printf("%d %d ", f1, f2);
    printf("%d\n", atomic_exchange(&n, 7));
    unsigned bits = 0, b1 = __atomic_fetch_or(&bits, 0x10, __ATOMIC_SEQ_CST), b2 = __sync_fetch_and_and(&bits, 0x30), b3 = __atomic_nand_fetch(&bits, 0x11, __ATOMIC_RELAXED); printf("%u %u %u\n", b1, b2, b3);
    atomic_thread_fence(memory_order_seq_cst); char c = 1; __atomic_store_n(&c, 9, __ATOMIC_RELEASE); printf("%d\n", __atomic_add_fetch(&c, 1, __ATOMIC_ACQ_REL));
    return 0;
}
