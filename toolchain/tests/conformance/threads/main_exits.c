// The process lives on when its first thread ends, and ends with the last one.
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static pthread_t first;
static void *run(void *argument) {
    void *result;
    printf("%d\n", pthread_join(first, &result));
    printf("%ld\n", (long)result);
    usleep(1000);
    puts("last");
    return 0;
}
int main(void) {
    pthread_t thread;
    first = pthread_self();
    pthread_create(&thread, 0, run, 0);
    pthread_exit((void *)3);
}
