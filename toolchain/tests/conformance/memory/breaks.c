// The break, by the call itself: up, down, in parts of pages, and beyond what there is.
#include "../show.h"
#include <sys/resource.h>
int main(void) {
    char *start = (char *)syscall(SYS_brk, 0);
    printf("%d\n", start != 0);
    char *end = (char *)syscall(SYS_brk, start + 100000);
    SHOW(end - start);
    memset(start, 7, 100000);
    // Down and up again: what comes back is zero, from the next page on.
    end = (char *)syscall(SYS_brk, start + 4096);
    SHOW(end - start);
    end = (char *)syscall(SYS_brk, start + 50000);
    SHOW(end - start);
    int sum = 0;
    for (char *p = (char *)(((uintptr_t)start + 4096 + 4095) & ~(uintptr_t)4095); p < start + 50000; p++) sum += *p;
    SHOW(sum);
    // What cannot be is answered with what is.
    SHOW((char *)syscall(SYS_brk, start - 4096) - start);
    SHOW((char *)syscall(SYS_brk, ~0UL) - start);
    SHOW((char *)syscall(SYS_brk, start) - start);
    return 0;
}
