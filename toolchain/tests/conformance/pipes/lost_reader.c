// A write that moved some bytes and then lost its reader raises the signal all the same.
#include "../show.h"
#include <pthread.h>
static int ends[2];
static volatile int signals;
static void count(int number) { signals++; }
static void *read_some(void *argument) {
    static char block[70000];
    usleep(20000);
    read(ends[0], block, 4096);
    usleep(20000);
    close(ends[0]);
    return 0;
}
int main(void) {
    static char block[200000];
    pthread_t thread;
    signal(SIGPIPE, count);
    pipe(ends);
    pthread_create(&thread, 0, read_some, 0);
    SHOW(write(ends[1], block, sizeof block));
    pthread_join(thread, 0);
    SHOW(signals);
    return 0;
}
