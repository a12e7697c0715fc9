#include "../show.h"
#include <sys/mman.h>
int main(void) {
    char *a = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(a, "kept"), strcpy(a + 4096, "also");
    char *b = mremap(a, 8192, 1 << 20, MREMAP_MAYMOVE);
    printf("%s %s %d\n", b, b + 4096, b[1 << 19]);
    char *c = mremap(b, 1 << 20, 4096, 0);
    printf("%d %s\n", c == b, c);
    char *place = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *d = mremap(c, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    printf("%d %s\n", d == place, d);
    SHOW(mremap(d + 1, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    SHOW(mremap(d, 4096, 0, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    SHOW(mremap(d, 4096, 8192, 99) == MAP_FAILED && errno == EINVAL);
    return 0;
}
