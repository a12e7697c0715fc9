// Sorting: the C library's qsort with a comparison through a pointer, and quicksort, heap sort, shell sort and radix sort.
#include "bench.h"

enum { COUNT = 400000 };

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void quicksort(uint32_t *v, long low, long high) {
    while (low < high) {
        uint32_t pivot = v[(low + high) / 2];
        long i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i <= j) {
                uint32_t t = v[i];
                v[i++] = v[j], v[j--] = t;
            }
        }
        quicksort(v, low, j);
        low = i;
    }
}

static void sift(uint32_t *v, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && v[child] < v[child + 1]) child++;
        if (v[root] >= v[child]) return;
        uint32_t t = v[root];
        v[root] = v[child], v[child] = t;
    }
}

static void heapsort_(uint32_t *v, size_t count) {
    for (size_t i = count / 2; i-- > 0;) sift(v, i, count);
    for (size_t end = count; end-- > 1;) {
        uint32_t t = v[0];
        v[0] = v[end], v[end] = t;
        sift(v, 0, end);
    }
}

static void shellsort(uint32_t *v, size_t count) {
    static const size_t gaps[] = {146305, 65023, 28899, 12844, 5708, 2537, 1127, 501, 222, 99, 44, 19, 8, 3, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (size_t i = gaps[g]; i < count; i++) {
            uint32_t item = v[i];
            size_t j = i;
            for (; j >= gaps[g] && v[j - gaps[g]] > item; j -= gaps[g]) v[j] = v[j - gaps[g]];
            v[j] = item;
        }
}

static void radixsort(uint32_t *v, uint32_t *spare, size_t count) {
    for (int shift = 0; shift < 32; shift += 8) {
        size_t at[257] = {0};
        for (size_t i = 0; i < count; i++) at[(v[i] >> shift & 255) + 1]++;
        for (int d = 0; d < 256; d++) at[d + 1] += at[d];
        for (size_t i = 0; i < count; i++) spare[at[v[i] >> shift & 255]++] = v[i];
        uint32_t *t = v;
        v = spare, spare = t;
    }
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 6);
    static uint32_t numbers[COUNT], v[COUNT], spare[COUNT];
    uint64_t state = 5, hash = 0;
    for (unsigned r = 0; r < rounds; r++) {
        for (size_t i = 0; i < COUNT; i++) numbers[i] = (uint32_t)bench_random(&state);
        for (int way = 0; way < 5; way++) {
            memcpy(v, numbers, sizeof v);
            switch (way) {
            case 0: qsort(v, COUNT, sizeof *v, compare); break;
            case 1: quicksort(v, 0, COUNT - 1); break;
            case 2: heapsort_(v, COUNT); break;
            case 3: shellsort(v, COUNT); break;
            default: radixsort(v, spare, COUNT);
            }
            for (size_t i = 1; i < COUNT; i++)
                if (v[i - 1] > v[i]) return 1;
            hash = bench_hash(hash, v, 4096);
        }
    }
    printf("%016llx\n", (unsigned long long)hash);
}
