// A file that is written through a mapping was modified when msync, or munmap, has brought it back.
#include "../show.h"
#include <sys/mman.h>
#include <time.h>
static long long modified(void) {
    struct stat status;
    stat("file", &status);
    return status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec;
}
static long long changed(void) {
    struct stat status;
    stat("file", &status);
    return status.st_ctim.tv_sec * 1000000000LL + status.st_ctim.tv_nsec;
}
int main(void) {
    make("file", "some text that will change");
    struct timespec nap = {.tv_nsec = 30000000};
    int fd = open("file", O_RDWR);
    char *text = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    long long before = modified(), was = changed();
    nanosleep(&nap, 0);
    SHOW(modified() == before);
    text[0] = 'S';
    SHOW(msync(text, 4096, MS_SYNC));
    SHOW(modified() > before);
    SHOW(changed() > was);
    before = modified(), was = changed();
    nanosleep(&nap, 0);
    text[1] = 'O';
    SHOW(munmap(text, 4096));
    SHOW(modified() > before);
    SHOW(changed() > was);
    print_file("file");
    return 0;
}
