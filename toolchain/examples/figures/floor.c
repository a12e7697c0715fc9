/* What any runtime of this kind has to do, and nothing else: a second process; in it the sandbox's addresses reserved, an image's
   eight regions mapped there, a filter over system calls; hello; the first process waits. It reads, checks and reports nothing, and
   writes to no page that it maps. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As many instructions as the runtime's filter has (runtime/src/seccomp.rs). */
enum { INSTRUCTIONS = 27 };

static const struct {
    unsigned long start, size;
    int rights;
} regions[] = {
    {0x10000, 0x1000, PROT_READ | PROT_EXEC},      /* trampolines */
    {0x20000, 0x70000, PROT_READ | PROT_EXEC},     /* text */
    {0x10000000, 0xe000, PROT_READ},               /* rodata */
    {0x1000e000, 0x22000, PROT_READ | PROT_WRITE}, /* data */
    {0x10030000, 0x9000, PROT_READ},               /* unwinding */
    {0x10039000, 1UL << 30, PROT_READ | PROT_WRITE},   /* heap */
    {0xfefff000, 0x1000, PROT_READ},               /* manifest */
    {0xff000000, 0xfff000, PROT_READ | PROT_WRITE},    /* stack */
};

static void need(int works)
{
    if (!works)
        _exit(99);
}

static void instance(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    /* Not at address 0, where this program lies itself. */
    char *low = mmap(0, (8UL << 30) + 0x10000, PROT_NONE, flags, -1, 0);
    need(low != MAP_FAILED);
    for (unsigned i = 0; i < sizeof regions / sizeof *regions; i++)
        need(mmap(low + regions[i].start, regions[i].size, regions[i].rights, flags | MAP_FIXED, -1, 0) != MAP_FAILED);
    struct sock_filter code[INSTRUCTIONS];
    for (int i = 0; i < INSTRUCTIONS - 1; i++)
        code[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
    code[INSTRUCTIONS - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {INSTRUCTIONS, code};
    need(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    need(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
    need(write(1, "hello\n", 6) == 6);
    _exit(0);
}

int main(void)
{
    pid_t pid = fork();
    need(pid >= 0);
    if (!pid)
        instance();
    int status;
    need(waitpid(pid, &status, 0) == pid);
    return status != 0;
}
