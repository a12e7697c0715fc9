// What the processor and the system are asked by number.
#include "../show.h"
#include <sys/personality.h>
#define ARCH_GET_FS 0x1003
#define ARCH_SET_GS 0x1001
#define MEMBARRIER_CMD_QUERY 0
#define MEMBARRIER_CMD_GLOBAL 1
static __thread int own = 5;
int main(void) {
    unsigned long pointer = 0;
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, &pointer));
    // The thread pointer's first word is the pointer itself.
    SHOW(*(unsigned long *)pointer == pointer);
    SHOW(syscall(SYS_arch_prctl, 0x9999, &pointer));
    SHOW(own);
    SHOW(personality(0xffffffff));
    SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) > 0);
    SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
    SHOW(syscall(SYS_membarrier, 1 << 30, 0, 0));
    unsigned processor = 99, node = 99;
    SHOW(syscall(SYS_getcpu, &processor, &node, 0));
    printf("%d\n", node);
    errno = 0;
    SHOW(nice(0));
    SHOW(syscall(9999));
    return 0;
}
