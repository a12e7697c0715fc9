#include "../show.h"
#include <stdatomic.h>
#include <threads.h>
static mtx_t mutex;
static cnd_t condition;
static tss_t key;
static atomic_int count;
static int ready;
static int run(void *argument) {
    tss_set(key, argument);
    mtx_lock(&mutex);
    while (!ready) cnd_wait(&condition, &mutex);
    mtx_unlock(&mutex);
    atomic_fetch_add(&count, *(int *)tss_get(key));
    thrd_yield();
    return *(int *)argument * 2;
}
int main(void) {
    thrd_t threads[5];
    int numbers[] = {1, 2, 3, 4, 5}, sum = 0, result;
    mtx_init(&mutex, mtx_plain), cnd_init(&condition), tss_create(&key, 0);
    for (int i = 0; i < 5; i++) thrd_create(&threads[i], run, &numbers[i]);
    mtx_lock(&mutex), ready = 1, cnd_broadcast(&condition), mtx_unlock(&mutex);
    for (int i = 0; i < 5; i++) thrd_join(threads[i], &result), sum += result;
    printf("%d %d\n", sum, count);
    SHOW(thrd_sleep(&(struct timespec){0, 1000}, 0));
    return 0;
}
