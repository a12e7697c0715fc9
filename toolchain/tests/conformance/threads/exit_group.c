// exit in any thread ends all, after atexit's functions.
//#status: 9
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void at_exit(void) { puts("at exit"); }
static void *run(void *argument) { puts("thread"); exit(9); }
int main(void) {
    pthread_t thread;
    atexit(at_exit);
    pthread_create(&thread, 0, run, 0);
    pthread_join(thread, 0);
    return 1;
}
