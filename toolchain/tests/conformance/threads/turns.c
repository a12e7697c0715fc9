// Threads that could all run take turns at system calls: none is left behind.
#include "../show.h"
#include <pthread.h>
#include <sched.h>
static volatile int stop;
static int counts[4];
static void *run(void *argument) {
    while (!stop) counts[(long)argument]++, syscall(SYS_getppid);
    return 0;
}
int main(void) {
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, run, (void *)i);
    for (int i = 0; i < 4; i++) while (__atomic_load_n(&counts[i], __ATOMIC_RELAXED) < 1000) sched_yield();
    stop = 1;
    for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
    puts("all ran");
    return 0;
}
