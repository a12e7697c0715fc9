#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    size_t n = 1 << 20; char *a = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); int dirty = 0; for (size_t i = 0; i < n; i += 511) dirty |= a[i];
    memset(a, 7, n); printf("%d %d\n", dirty, a[n - 1]); munmap(a + 4096 * 4, 4096 * 8); char *b = mmap(a + 4096 * 4, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("%d %d %d\n", b == a + 4096 * 4, b[5], a[4095]); a[0] = 42; char *c = mremap(a, 4096 * 4, 4096 * 64, MREMAP_MAYMOVE); printf("%d %d %d\n", c != MAP_FAILED, c[0], c[4096 * 63]);
    /* A name of its own: natively several of these run at a time, and one that cuts another's file gives that one SIGBUS. */
    char name[] = "/tmp/mapXXXXXX"; int fd = mkstemp(name); write(fd, "hello mapped world", 18); char *f = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0); f[0] = 'J'; char buf[6] = {0}; pread(fd, buf, 5, 0);
    printf("%.18s|%s|%d\n", f, buf, f[100]); munmap(f, 4096); close(fd); unlink(name);
    int bad = mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED; printf("%d %d\n", bad, errno == EINVAL); printf("%d\n", mprotect(c, 4096, PROT_READ) + madvise(c, 4096, MADV_NORMAL));
    char *top = sbrk(0); printf("%d\n", top != (void *)-1);
    return 0;
}
