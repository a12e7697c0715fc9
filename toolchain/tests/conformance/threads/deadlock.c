// Two threads that take two locks in different orders.
//#differs: a deadlock is reported (exit status 35); natively the program hangs
//#hangs: natively
//#status: 35
//#stderr: deadlock
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static void *run(void *argument) {
    pthread_mutex_lock(&second);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&first);
    return 0;
}
int main(void) {
    pthread_t thread;
    puts("both begin");
    pthread_barrier_init(&both, 0, 2);
    pthread_mutex_lock(&first);
    pthread_create(&thread, 0, run, 0);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&second);
    return 1;
}
