#include "../show.h"
#include <sys/mman.h>
int main(void) {
    char *a = mmap(0, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/dev/zero", O_RDONLY);
    SHOW(read(fd, a, 10));
    SHOW(mprotect(a + 4096, 4096, PROT_READ | PROT_WRITE));
    SHOW(read(fd, a + 4096, 10));
    SHOW(read(fd, a + 8000, 1000) >= 0 || errno == EFAULT);
    SHOW(mprotect(a + 4096, 4096, PROT_READ));
    SHOW(read(fd, a + 4096, 10));
    int null = open("f", O_WRONLY | O_CREAT, 0600);
    SHOW(write(null, a + 4096, 10));
    SHOW(write(null, a, 10));
    SHOW(mprotect(a + 1, 4096, PROT_READ));
    SHOW(mprotect(a, 4096, 99));
    return 0;
}
