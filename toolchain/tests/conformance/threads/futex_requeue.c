// The futex call itself: expected values, wake counts, masks, requeue, timeouts.
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int a, b, sleeping;
static long futex(int *address, int operation, int value, void *timeout, int *second, int third) {
    long result = syscall(SYS_futex, address, operation, value, timeout, second, third);
    return result < 0 ? -errno : result;
}
static void *wait_at_a(void *argument) {
    __atomic_add_fetch(&sleeping, 1, __ATOMIC_SEQ_CST);
    return (void *)futex(&a, FUTEX_WAIT_BITSET, 0, 0, 0, (int)(long)argument);
}
int main(void) {
    struct timespec soon = {0, 1000000};
    printf("%d %d\n", futex(&a, FUTEX_WAIT, 1, 0, 0, 0) == -EAGAIN, futex(&a, FUTEX_WAIT, 0, &soon, 0, 0) == -ETIMEDOUT);
    printf("%d %ld\n", futex((int *)((char *)&a + 1), FUTEX_WAKE, 1, 0, 0, 0) == -EINVAL, futex(&a, FUTEX_WAKE, 1, 0, 0, 0));
    pthread_t threads[6];
    for (long i = 0; i < 6; i++) pthread_create(&threads[i], 0, wait_at_a, (void *)(i < 2 ? 1L : 2L));
    while (__atomic_load_n(&sleeping, __ATOMIC_SEQ_CST) < 6) usleep(1000);
    usleep(50000);
    printf("%ld\n", futex(&a, FUTEX_WAKE_BITSET, 10, 0, 0, 1));
    printf("%d\n", futex(&a, FUTEX_CMP_REQUEUE, 1, (void *)2, &b, 5) == -EAGAIN);
    printf("%ld\n", futex(&a, FUTEX_CMP_REQUEUE, 1, (void *)2, &b, 0));
    printf("%ld %ld\n", futex(&a, FUTEX_WAKE, 10, 0, 0, 0), futex(&b, FUTEX_WAKE, 10, 0, 0, 0));
    long sum = 0;
    for (int i = 0; i < 6; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%ld\n", sum);
    return 0;
}
