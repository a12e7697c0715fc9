// Offsets that lie far behind a file's end: the last one is the file system's to say, but none overflows.
#include "../show.h"
#include <sys/mman.h>
int main(void) {
    int fd = open("f", O_RDWR | O_CREAT, 0600), memory = memfd_create("m", 0);
    write(fd, "abc", 3);
    long long last = lseek(fd, INT64_MAX, SEEK_SET);
    printf("%d\n", last == INT64_MAX || (last == -1 && errno == EINVAL));
    SHOW(lseek(fd, 1LL << 40, SEEK_SET));
    SHOW(lseek(fd, INT64_MAX, SEEK_CUR));
    SHOW(lseek(fd, INT64_MAX, SEEK_END));
    SHOW(lseek(fd, INT64_MIN, SEEK_END));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(memory, INT64_MAX, SEEK_SET));
    SHOW(lseek(memory, 1, SEEK_CUR));
    return 0;
}
