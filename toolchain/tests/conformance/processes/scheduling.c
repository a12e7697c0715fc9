#include "../show.h"
#include <sched.h>
#include <sys/resource.h>
int main(void) {
    struct sched_param parameter = {0};
    SHOW(sched_getscheduler(0) >= 0 || errno == ENOSYS);
    SHOW(syscall(SYS_sched_getscheduler, 0));
    SHOW(syscall(SYS_sched_getparam, 0, &parameter));
    printf("%d\n", parameter.sched_priority);
    SHOW(sched_get_priority_max(SCHED_FIFO));
    SHOW(sched_get_priority_min(SCHED_OTHER));
    SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameter));
    SHOW(sched_yield());
    cpu_set_t set;
    SHOW(sched_getaffinity(0, sizeof set, &set));
    SHOW(CPU_COUNT(&set) >= 1);
    CPU_ZERO(&set), CPU_SET(0, &set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    CPU_ZERO(&set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    SHOW(sched_getaffinity(0x3fffffff, sizeof set, &set));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(getpriority(3, 0));
    SHOW(getpriority(-1, 0));
    SHOW(setpriority(3, 0, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 0));
    SHOW(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    SHOW(sched_getcpu() >= 0);
    return 0;
}
