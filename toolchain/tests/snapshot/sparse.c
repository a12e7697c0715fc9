/* Two thousand pages, 128 KiB from each other. */
#include <stdio.h>
#include <sys/mman.h>
#include <zvm.h>

enum { COUNT = 2000, STEP = 128 << 10 };

int main(void) {
    char *memory = mmap(0, (size_t)COUNT * STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int good = 0;
    if (memory == MAP_FAILED) return 1;
    for (int page = 0; page < COUNT; page++) memory[(size_t)page * STEP] = 7;
    zvm_snapshot();
    for (int page = 0; page < COUNT; page++) good += memory[(size_t)page * STEP] == 7 && !memory[(size_t)page * STEP + 4096];
    printf("%d pages\n", good);
    return 0;
}
