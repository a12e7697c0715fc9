// Seals of memfds.
#include "../show.h"
#include <sys/mman.h>
enum { ADD = 1033, GET = 1034, SEAL = 1, SHRINK = 2, GROW = 4, WRITE = 8, FUTURE = 16 };
int main(void) {
    int fd = memfd_create("x", MFD_ALLOW_SEALING), shut = memfd_create("y", 0), file = open("f", O_RDWR | O_CREAT, 0600);
    SHOW(fcntl(fd, GET));
    SHOW(fcntl(shut, GET));
    SHOW(fcntl(shut, ADD, WRITE));
    SHOW(ftruncate(fd, 4096));
    SHOW(fcntl(fd, ADD, 1 << 20));
    SHOW(fcntl(fd, ADD, SHRINK));
    SHOW(ftruncate(fd, 100));
    SHOW(ftruncate(fd, 8192));
    SHOW(fcntl(fd, ADD, GROW));
    SHOW(ftruncate(fd, 8193));
    SHOW(pwrite(fd, "ab", 2, 8191));
    SHOW(pwrite(fd, "ab", 2, 8190));
    SHOW(fallocate(fd, 0, 0, 9000));
    char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, ADD, WRITE));
    munmap(shared, 4096);
    SHOW(fcntl(fd, ADD, WRITE));
    SHOW(pwrite(fd, "a", 1, 0));
    SHOW(fallocate(fd, 3, 0, 4096));
    SHOW(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
    SHOW(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    SHOW(fcntl(fd, ADD, SEAL));
    SHOW(fcntl(fd, ADD, FUTURE));
    SHOW(fcntl(fd, GET));
    return 0;
}
