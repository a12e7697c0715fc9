// pthread_once runs once; keys have destructors that run at each thread's end.
#include <pthread.h>
#include <stdio.h>
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int made, destroyed;
static void destroy(void *value) { destroyed += (int)(long)value; }
static void make(void) { made++, pthread_key_create(&key, destroy); }
static void *run(void *argument) {
    pthread_once(&once, make);
    long before = (long)pthread_getspecific(key);
    pthread_setspecific(key, argument);
    return (void *)(before * 1000 + (long)pthread_getspecific(key));
}
int main(void) {
    pthread_t threads[9];
    long sum = 0;
    for (long i = 1; i < 10; i++) pthread_create(&threads[i - 1], 0, run, (void *)i);
    for (int i = 0; i < 9; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%d %ld %d %ld\n", made, sum, destroyed, (long)pthread_getspecific(key));
    return 0;
}
