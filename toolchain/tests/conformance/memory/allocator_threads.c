// Blocks that one thread takes and another frees; threads that end with blocks.
#include "../show.h"
#include <pthread.h>
enum { THREADS = 8, EACH = 3000 };
static char *mail[THREADS][EACH];
static void *take(void *argument) {
    long me = (long)argument;
    for (int i = 0; i < EACH; i++) {
        size_t size = 16 + (size_t)(i * 37 + me * 11) % 2000;
        char *p = mail[me][i] = malloc(size);
        memset(p, (int)me, size);
        memcpy(p, &size, sizeof size);
        if (i % 100 == 0) sched_yield();
    }
    return 0;
}
static void *give(void *argument) {
    long me = (long)argument, from = (me + 1) % THREADS, wrong = 0;
    for (int i = 0; i < EACH; i++) {
        char *p = mail[from][i];
        size_t size;
        memcpy(&size, p, sizeof size);
        for (size_t k = sizeof size; k < size; k += 13) wrong += p[k] != (char)from;
        if (i % 3) free(p);
        else mail[from][i] = realloc(p, size * 2);
        if (i % 100 == 0) sched_yield();
    }
    return (void *)wrong;
}
int main(void) {
    long wrong = 0;
    for (int round = 0; round < 4; round++) {
        pthread_t threads[THREADS];
        for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], 0, take, (void *)i);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
        for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], 0, give, (void *)i);
        for (int i = 0; i < THREADS; i++) {
            void *result;
            pthread_join(threads[i], &result);
            wrong += (long)result;
        }
        for (int t = 0; t < THREADS; t++)
            for (int i = 0; i < EACH; i += 3) free(mail[t][i]);
    }
    printf("%ld wrong\n", wrong);
    return 0;
}
