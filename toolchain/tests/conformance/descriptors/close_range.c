#include "../show.h"
int main(void) {
    for (int i = 3; i < 10; i++) dup(0);
    SHOW(syscall(SYS_close_range, 5, 7, 0));
    for (int i = 3; i < 10; i++) printf("%d", fcntl(i, F_GETFD));
    putchar('\n');
    SHOW(syscall(SYS_close_range, 3, 4, 4));
    printf("%d %d\n", fcntl(3, F_GETFD), fcntl(8, F_GETFD));
    SHOW(syscall(SYS_close_range, 4, 3, 0));
    SHOW(syscall(SYS_close_range, 3, ~0u, 0));
    printf("%d\n", fcntl(8, F_GETFD));
    SHOW(syscall(SYS_close_range, 3, 4, 99));
    return 0;
}
