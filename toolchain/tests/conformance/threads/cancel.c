// Cancellation: at a cancellation point, deferred, disabled, with cleanup handlers.
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>
static sem_t ready;
static int cleaned, fds[2];
static void clean(void *argument) { cleaned += (int)(long)argument; }
static void *sleeps(void *argument) {
    pthread_cleanup_push(clean, (void *)1);
    sem_post(&ready);
    sleep(100);
    pthread_cleanup_pop(0);
    return 0;
}
static void *reads(void *argument) {
    char byte;
    pthread_cleanup_push(clean, (void *)10);
    sem_post(&ready);
    read(fds[0], &byte, 1);
    pthread_cleanup_pop(0);
    return 0;
}
static void *computes(void *argument) {
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    pthread_cleanup_push(clean, (void *)100);
    sem_post(&ready);
    usleep(1000);
    cleaned += 1000;
    pthread_setcancelstate(old, 0);
    pthread_testcancel();
    cleaned += 1000000;
    pthread_cleanup_pop(0);
    return 0;
}
static void *ends(void *argument) { pthread_exit((void *)7); }
int main(void) {
    sem_init(&ready, 0, 0);
    pipe(fds);
    void *(*runs[])(void *) = {sleeps, reads, computes, ends};
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        void *result;
        pthread_create(&thread, 0, runs[i], 0);
        if (i < 3) {
            sem_wait(&ready);
            pthread_cancel(thread);
        }
        pthread_join(thread, &result);
        printf("%d %d\n", result == PTHREAD_CANCELED, cleaned);
    }
    return 0;
}
