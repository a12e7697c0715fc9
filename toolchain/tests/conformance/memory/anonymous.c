#include "../show.h"
#include <sys/mman.h>
int main(void) {
    char *a = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int dirty = 0;
    for (int i = 0; i < 1 << 20; i += 4096) dirty |= a[i];
    memset(a, 7, 1 << 20);
    SHOW(munmap(a + 4096, 8192));
    char *b = mmap(a + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("%d %d %d %d\n", dirty, b == a + 4096, b[0], a[0]);
    SHOW(mmap(a, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
    SHOW(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    SHOW(mmap(0, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    SHOW(mmap((void *)1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EINVAL);
    SHOW(munmap(a + 1, 4096));
    SHOW(munmap(a, 0));
    SHOW(munmap(a, 1 << 20));
    SHOW(munmap(a, 1 << 20));
    return 0;
}
