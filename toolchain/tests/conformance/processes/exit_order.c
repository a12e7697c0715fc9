//#status: 4
#include "../show.h"
static void first(void) { puts("registered first"); }
static void second(void) { puts("registered second"); }
__attribute__((constructor)) static void before(void) {}
__attribute__((destructor)) static void after(void) { fflush(stdout); }
int main(void) {
    atexit(first), atexit(second);
    printf("no newline at the end");
    exit(260);
}
