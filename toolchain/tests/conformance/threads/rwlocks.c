// Read-write locks: many readers or one writer.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int readers, writers, bad, value;
static void *read_it(void *argument) {
    for (int i = 0; i < 50; i++) {
        pthread_rwlock_rdlock(&lock);
        __atomic_add_fetch(&readers, 1, __ATOMIC_SEQ_CST);
        if (writers) bad++;
        sched_yield();
        __atomic_sub_fetch(&readers, 1, __ATOMIC_SEQ_CST);
        pthread_rwlock_unlock(&lock);
    }
    return 0;
}
static void *write_it(void *argument) {
    for (int i = 0; i < 50; i++) {
        pthread_rwlock_wrlock(&lock);
        writers++;
        if (readers || writers != 1) bad++;
        value++;
        sched_yield();
        writers--;
        pthread_rwlock_unlock(&lock);
    }
    return 0;
}
int main(void) {
    pthread_t threads[6];
    for (int i = 0; i < 6; i++) pthread_create(&threads[i], 0, i % 3 ? read_it : write_it, 0);
    for (int i = 0; i < 6; i++) pthread_join(threads[i], 0);
    printf("%d %d\n", bad, value);
    pthread_rwlock_rdlock(&lock);
    printf("%d %d\n", pthread_rwlock_tryrdlock(&lock), pthread_rwlock_trywrlock(&lock) == EBUSY);
    pthread_spinlock_t spin;
    pthread_spin_init(&spin, 0);
    printf("%d", pthread_spin_lock(&spin));
    printf(" %d %d\n", pthread_spin_trylock(&spin) == EBUSY, pthread_spin_unlock(&spin));
    return 0;
}
