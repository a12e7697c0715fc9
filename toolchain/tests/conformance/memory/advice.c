#include "../show.h"
#include <sys/mman.h>
int main(void) {
    char *a = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(a, 1, 16384);
    SHOW(madvise(a, 4096, MADV_DONTNEED));
    printf("%d %d\n", a[0], a[4096]);
    SHOW(madvise(a, 16384, MADV_WILLNEED));
    SHOW(madvise(a, 16384, MADV_SEQUENTIAL));
    SHOW(madvise(a + 1, 4096, MADV_NORMAL));
    SHOW(madvise(a, 4096, 12345));
    SHOW(posix_madvise(a, 4096, POSIX_MADV_RANDOM));
    unsigned char pages[4];
    a[0] = 1;
    SHOW(mincore(a, 16384, pages));
    printf("%d\n", pages[1] & 1);
    SHOW(mincore(a + 1, 4096, pages));
    return 0;
}
