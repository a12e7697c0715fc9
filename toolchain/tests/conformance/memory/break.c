#include "../show.h"
int main(void) {
    char *start = (char *)syscall(SYS_brk, 0), *end = (char *)syscall(SYS_brk, start + 100000);
    printf("%d\n", end == start + 100000);
    int dirty = 0;
    for (int i = 0; i < 100000; i++) dirty |= start[i];
    memset(start, 5, 100000);
    printf("%d\n", dirty);
    printf("%d\n", (char *)syscall(SYS_brk, start + 10) == start + 10);
    printf("%d\n", (char *)syscall(SYS_brk, start + 100000) == start + 100000);
    printf("%d %d\n", start[5], start[50000]);
    printf("%d\n", (char *)syscall(SYS_brk, 0) == start + 100000);
    return 0;
}
