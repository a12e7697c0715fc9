// Detached threads: at once, later, and by themselves; nobody can join them.
#include "../show.h"
#include <pthread.h>
#include <semaphore.h>
static sem_t done;
static int ended;
static void *run(void *argument) {
    if (argument) pthread_detach(pthread_self());
    __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
    sem_post(&done);
    return 0;
}
int main(void) {
    sem_init(&done, 0, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    SHOW(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
    SHOW(pthread_attr_setdetachstate(&attributes, 99));
    pthread_t thread;
    for (int i = 0; i < 300; i++) {
        if (i % 3 == 0) pthread_create(&thread, &attributes, run, 0);
        if (i % 3 == 1) pthread_create(&thread, 0, run, 0), pthread_detach(thread);
        if (i % 3 == 2) pthread_create(&thread, 0, run, (void *)1);
    }
    for (int i = 0; i < 300; i++) sem_wait(&done);
    SHOW(ended);
    return 0;
}
