#include "../show.h"
#include <pthread.h>
static void *run(void *argument) {
    pthread_attr_t attributes;
    size_t size, guard;
    void *stack;
    char here;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &stack, &size);
    pthread_attr_getguardsize(&attributes, &guard);
    printf("%d %d\n", size >= 100000, &here > (char *)stack && &here < (char *)stack + size);
    return 0;
}
int main(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    SHOW(pthread_attr_setstacksize(&attributes, 1 << 20));
    SHOW(pthread_attr_setstacksize(&attributes, 10) == EINVAL);
    pthread_create(&thread, &attributes, run, 0);
    pthread_join(thread, 0);
    void *memory = malloc(200000);
    SHOW(pthread_attr_setstack(&attributes, memory, 200000));
    pthread_create(&thread, &attributes, run, 0);
    pthread_join(thread, 0);
    SHOW(pthread_equal(pthread_self(), pthread_self()) != 0);
    return 0;
}
