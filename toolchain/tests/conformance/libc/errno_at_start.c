// What happened before main left no error behind, and neither does what succeeds.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
static int at_start;
__attribute__((constructor)) static void look(void) { at_start = errno; }
int main(void) {
    printf("at start %d\n", at_start);
    errno = 0;
    void *small = malloc(10), *large = malloc(10 << 20);
    printf("after malloc %d\n", errno);
    large = realloc(large, 20 << 20);
    printf("after realloc %d\n", errno);
    free(small);
    free(large);
    printf("after free %d\n", errno);
    return 0;
}
