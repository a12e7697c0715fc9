#include "../show.h"
#include <sys/mman.h>
int main(void) {
    static char page[8192] __attribute__((aligned(4096)));
    SHOW(mlock(page, 4096));
    SHOW(munlock(page, 4096));
    SHOW(munlockall());
    char *hidden = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(mlock(hidden, 4096));
    SHOW(munlock(hidden, 4096));
    munmap(hidden, 4096);
    SHOW(mlock(hidden, 4096));
    SHOW(munlock(hidden, 4096));
    SHOW(mlock((void *)-4096, 8192));
    SHOW(sysconf(_SC_PAGESIZE));
    SHOW(getpagesize());
    SHOW(sysconf(_SC_PHYS_PAGES) > 0);
    SHOW(sysconf(_SC_AVPHYS_PAGES) > 0);
    return 0;
}
