#include "../show.h"
#include <sys/stat.h>
enum { SIZE = 4 << 20 };
static char bytes[SIZE];
int main(void) {
    int fd = open("/dev/shm/zvm-holes", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink("/dev/shm/zvm-holes");
    struct stat before, after;
    memset(bytes, 'x', SIZE);
    SHOW(write(fd, bytes, SIZE));
    struct timespec old[2] = {{1, 0}, {1, 0}};
    SHOW(futimens(fd, old));
    fstat(fd, &before);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, SIZE - 2000));
    fstat(fd, &after);
    printf("%d %d\n", after.st_blocks < before.st_blocks / 8, after.st_size == SIZE);
    SHOW(pread(fd, bytes, SIZE, 0));
    int kept = 0, holes = 0;
    for (int i = 0; i < SIZE; i++) kept += bytes[i] == 'x', holes += !bytes[i];
    printf("%d %d\n", kept, holes);
    // A hole in a hole costs nothing, however large.
    SHOW(ftruncate(fd, 0));
    SHOW(ftruncate(fd, 32LL << 30));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 32LL << 30));
    SHOW(pwrite(fd, "end", 3, (32LL << 30) - 3));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 32LL << 30));
    fstat(fd, &after);
    printf("%d %d\n", after.st_blocks < 2048, after.st_size == 32LL << 30);
    return 0;
}
