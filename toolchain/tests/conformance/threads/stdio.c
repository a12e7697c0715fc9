// Lines of several threads stay whole; flockfile.
#include "../show.h"
#include <pthread.h>
static FILE *file;
static void *writer(void *argument) {
    for (int i = 0; i < 200; i++) {
        fprintf(file, "thread %ld says %d\n", (long)argument, i);
        if (i % 20 == 0) sched_yield();
        flockfile(file);
        for (const char *c = "together\n"; *c; c++) putc_unlocked(*c, file);
        funlockfile(file);
    }
    return 0;
}
int main(void) {
    file = fopen("f", "w+");
    char small[64];
    setvbuf(file, small, _IOFBF, sizeof small);
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, writer, (void *)i);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
    rewind(file);
    char line[100];
    int next[4] = {0}, together = 0, wrong = 0;
    while (fgets(line, sizeof line, file)) {
        long thread;
        int number;
        if (sscanf(line, "thread %ld says %d", &thread, &number) == 2) wrong += number != next[thread]++;
        else if (!strcmp(line, "together\n")) together++;
        else wrong++;
    }
    printf("%d %d %d %d, %d, %d wrong\n", next[0], next[1], next[2], next[3], together, wrong);
    return 0;
}
