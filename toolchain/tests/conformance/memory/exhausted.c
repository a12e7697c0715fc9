#include "../show.h"
#include <sys/mman.h>
#include <sys/resource.h>
int main(void) {
    // Native processes have more: the limit makes them alike.
    struct rlimit limit = {1 << 28, 1 << 28};
    setrlimit(RLIMIT_AS, &limit);
    SHOW(mmap(0, 1LL << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
    SHOW(malloc((size_t)1 << 40) == 0 && errno == ENOMEM);
    void *block, *list = 0;
    int count = 0;
    while (count < 100000 && (block = malloc(1 << 20))) *(void **)block = list, list = block, count++;
    printf("%d %d\n", count > 10, count < 100000);
    SHOW(errno == ENOMEM);
    while (list) block = *(void **)list, free(list), list = block;
    SHOW(malloc(1 << 20) != 0);
    SHOW(calloc((size_t)-1 / 2, 3) == 0);
    return 0;
}
