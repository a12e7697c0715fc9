// malloc and kin: alignment, sizes, contents, errors.
#include "../show.h"
#include <malloc.h>
static unsigned seed = 7;
static unsigned next(unsigned bound) { return (seed = seed * 1664525 + 1013904223) / 7 % bound; }
int main(void) {
    int aligned = 1, room = 1;
    for (size_t size = 1; size < 300000; size = size * 3 / 2 + 1) {
        void *p = malloc(size), *q = calloc(1, size);
        size_t align = size < 16 ? 8 : 16;
        aligned &= (uintptr_t)p % align == 0 && (uintptr_t)q % align == 0;
        room &= malloc_usable_size(p) >= size;
        for (size_t i = 0; i < size; i++) room &= ((char *)q)[i] == 0;
        free(p), free(q);
    }
    printf("%d %d\n", aligned, room);
    for (size_t align = 8; align <= 65536; align *= 2) {
        void *p = 0, *q = aligned_alloc(align, align * 3), *r = memalign(align, 100);
        aligned &= posix_memalign(&p, align, 1000) == 0;
        aligned &= (uintptr_t)p % align == 0 && (uintptr_t)q % align == 0 && (uintptr_t)r % align == 0;
        memset(p, 1, 1000), memset(q, 2, align * 3), memset(r, 3, 100);
        r = realloc(r, 5000);
        aligned &= ((char *)r)[99] == 3;
        free(p), free(q), free(r);
    }
    printf("%d\n", aligned);
    void *p = (void *)1;
    SHOW(posix_memalign(&p, 3, 10));
    SHOW(posix_memalign(&p, 4, 10));
    SHOW(p == (void *)1);
    SHOW(malloc(SIZE_MAX - 100) == 0);
    SHOW(calloc(SIZE_MAX / 2, 3) == 0);
    SHOW(calloc(1 << 20, (size_t)1 << 50) == 0);
    SHOW(reallocarray(0, SIZE_MAX / 2, 3) == 0);
    p = malloc(100);
    strcpy(p, "kept");
    SHOW(realloc(p, SIZE_MAX / 2) == 0);
    puts(p);
    free(p), free(0);
    p = malloc(0);
    SHOW(p != 0);
    free(p);
    p = realloc(0, 10);
    SHOW(p != 0);
    free(p);
    // Blocks that come and go, each filled with a number of its own.
    enum { COUNT = 500 };
    static struct { unsigned char *at; size_t size; unsigned char mark; } blocks[COUNT];
    long wrong = 0;
    for (int step = 0; step < 60000; step++) {
        int i = (int)next(COUNT);
        for (size_t k = 0; k < blocks[i].size; k += 1 + blocks[i].size / 9) wrong += blocks[i].at[k] != blocks[i].mark;
        size_t size = next(20) ? next(600) : next(200000);
        if (next(3)) {
            free(blocks[i].at);
            blocks[i].at = malloc(size);
        } else {
            size_t kept = size < blocks[i].size ? size : blocks[i].size;
            blocks[i].at = realloc(blocks[i].at, size + 1);
            for (size_t k = 0; k < kept; k += 1 + kept / 5) wrong += blocks[i].at[k] != blocks[i].mark;
        }
        blocks[i].size = size, blocks[i].mark = (unsigned char)next(256);
        if (size) memset(blocks[i].at, blocks[i].mark, size);
    }
    printf("%ld wrong\n", wrong);
    return 0;
}
