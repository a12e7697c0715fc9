#include "../show.h"
#include <sys/mman.h>
int main(void) {
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    ftruncate(fd, 8192);
    char *a = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(a, "one");
    strcpy(a + 4096, "two");
    close(fd);
    print_file("none");
    char text[4] = "";
    fd = open("f", O_RDWR);
    read(fd, text, 3);
    puts(text);
    pwrite(fd, "ONE", 3, 0);
    puts(a);
    munmap(a, 4096);
    strcpy(a + 4096, "TWO");
    munmap(a + 4096, 4096);
    pread(fd, text, 3, 4096);
    puts(text);
    char *written = mmap(0, 4096, PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(written, "six");
    munmap(written, 4096);
    pread(fd, text, 3, 0);
    puts(text);
    void *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SHOW(shared != MAP_FAILED && *(int *)shared == 0);
    int shm = shm_open("/zvm-conformance", O_RDWR | O_CREAT, 0600);
    WORKS(shm);
    SHOW(shm_unlink("/zvm-conformance"));
    SHOW(shm_unlink("/zvm-conformance"));
    return 0;
}
