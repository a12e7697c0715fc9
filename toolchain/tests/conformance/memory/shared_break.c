#include "../show.h"
#include <sys/mman.h>
#include <sys/syscall.h>
// A file that is mapped over brk's area goes with it; what was stored there is in the file, and what others hold in theirs.
int main(void) {
    enum { PAGE = 4096 };
    setvbuf(stdout, 0, _IONBF, 0);
    long start = syscall(SYS_brk, 0), end = start + (1 << 20);
    printf("%d\n", syscall(SYS_brk, end) == end);
    int over = open("over", O_RDWR | O_CREAT, 0600), other = open("other", O_RDWR | O_CREAT, 0600);
    SHOW(ftruncate(over, PAGE));
    SHOW(ftruncate(other, PAGE));
    char *at = (char *)((start + (1 << 18)) & -PAGE);
    char *first = mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, over, 0);
    char *second = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
    printf("%d %d\n", first == at, second != MAP_FAILED);
    strcpy(first, "one");
    strcpy(second, "two");
    printf("%d\n", syscall(SYS_brk, start) == start);
    print_file("over");
    print_file("other");
    SHOW(munmap(second, PAGE));
    // Nothing is there.
    SHOW(munmap(second, PAGE));
    print_file("other");
    // A private mapping that is given up shows the file as other mappings have it.
    char *private = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, other, 0);
    char *shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
    private[0] = 'p', shared[1] = 'S';
    SHOW(madvise(private, PAGE, MADV_DONTNEED));
    printf("%s\n", private);
    return 0;
}
