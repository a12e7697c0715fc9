// A population of blocks, each filled with its own pattern, that is checked whenever one is touched.
#include <mimalloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 3000, ROUNDS = 200000 };
static struct {
    unsigned char *start;
    size_t size;
} blocks[BLOCKS];

static uint64_t state = 42;
static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void check(size_t i) {
    for (size_t k = 0; k < blocks[i].size; k += 61) {
        if (blocks[i].start[k] != (unsigned char)(i + k)) {
            printf("block %zu is damaged at %zu\n", i, k);
            exit(1);
        }
    }
}

static void paint(size_t i) {
    for (size_t k = 0; k < blocks[i].size; k += 61) blocks[i].start[k] = i + k;
}

int main(void) {
    uint64_t sum = 0;
    mi_heap_t *heap = mi_heap_new();
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = next() % BLOCKS;
        size_t size = (next() % 64) << (next() % 12);
        check(i);
        sum = sum * 31 + blocks[i].size;
        switch (next() % 4) {
        case 0:
            mi_free(blocks[i].start);
            blocks[i].start = mi_malloc(size);
            break;
        case 1:
            blocks[i].start = mi_realloc(blocks[i].start, size);
            break;
        case 2: {
            size_t alignment = (size_t)16 << (next() % 8);
            mi_free(blocks[i].start);
            blocks[i].start = mi_malloc_aligned(size, alignment);
            if ((uintptr_t)blocks[i].start % alignment) return 2;
            break;
        }
        default:
            mi_free(blocks[i].start);
            blocks[i].start = mi_heap_zalloc(heap, size);
            for (size_t k = 0; k < size; k++)
                if (blocks[i].start[k]) return 3;
        }
        if (!blocks[i].start) return 4;
        blocks[i].size = size;
        paint(i);
    }
    mi_heap_delete(heap);
    for (size_t i = 0; i < BLOCKS; i++) {
        check(i);
        mi_free(blocks[i].start);
    }
    mi_collect(true);
    printf("mimalloc %d: %d rounds, sum %016llx\n", mi_version(), ROUNDS, (unsigned long long)sum);
    return 0;
}
