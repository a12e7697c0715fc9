// A chain of threads, each with a pipe to the next.
#include "../show.h"
#include <pthread.h>
enum { LENGTH = 30 };
static int fds[LENGTH + 1][2];
static void *pass(void *argument) {
    long n = (long)argument;
    int value;
    while (read(fds[n][0], &value, sizeof value) == sizeof value) {
        value++;
        write(fds[n + 1][1], &value, sizeof value);
    }
    close(fds[n + 1][1]);
    return 0;
}
int main(void) {
    pthread_t threads[LENGTH];
    for (int i = 0; i <= LENGTH; i++) pipe(fds[i]);
    for (long i = 0; i < LENGTH; i++) pthread_create(&threads[i], 0, pass, (void *)i);
    for (int i = 0; i < 50; i++) write(fds[0][1], &i, sizeof i);
    close(fds[0][1]);
    int value, sum = 0, count = 0;
    while (read(fds[LENGTH][0], &value, sizeof value) == sizeof value) sum += value, count++;
    for (int i = 0; i < LENGTH; i++) pthread_join(threads[i], 0);
    printf("%d %d\n", count, sum);
    return 0;
}
