// Blocking reads and writes wait for the other thread.
#include "../show.h"
#include <pthread.h>
static int fds[2];
static void *write_much(void *argument) {
    static char block[300000];
    for (int i = 0; i < 300000; i++) block[i] = i % 251;
    long written = write(fds[1], block, sizeof block);
    close(fds[1]);
    return (void *)written;
}
int main(void) {
    pipe(fds);
    pthread_t thread;
    pthread_create(&thread, 0, write_much, 0);
    char block[1000];
    long total = 0, bad = 0, count;
    while ((count = read(fds[0], block, sizeof block)) > 0)
        for (long i = 0; i < count; i++, total++) bad += block[i] != (char)(total % 251);
    void *written;
    pthread_join(thread, &written);
    printf("%ld %ld %ld %ld\n", total, bad, count, (long)written);
    return 0;
}
