#include "../show.h"
#include <sys/mman.h>
int main(void) {
    static char page[8192] __attribute__((aligned(4096)));
    SHOW(mlock(page, 4096));
    SHOW(munlock(page, 4096));
    SHOW(munlockall());
    SHOW(sysconf(_SC_PAGESIZE));
    SHOW(getpagesize());
    SHOW(sysconf(_SC_PHYS_PAGES) > 0);
    SHOW(sysconf(_SC_AVPHYS_PAGES) > 0);
    return 0;
}
