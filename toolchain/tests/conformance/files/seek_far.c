//#differs: the last offset is the file system's to say: here that of ext4, natively that of whatever lies below
// lseek goes as far as it goes on ext4, and no offset overflows.
#include "../show.h"
#include <sys/mman.h>
int main(void) {
    const long long largest = (16LL << 40) - 4096;
    int fd = open("f", O_RDWR | O_CREAT, 0600), memory = memfd_create("m", 0);
    write(fd, "abc", 3);
    SHOW(lseek(fd, largest, SEEK_SET));
    SHOW(write(fd, "x", 1));
    SHOW(lseek(fd, 1, SEEK_CUR));
    SHOW(lseek(fd, largest - 3, SEEK_END));
    SHOW(lseek(fd, largest - 2, SEEK_END));
    SHOW(lseek(fd, INT64_MAX, SEEK_SET));
    SHOW(lseek(fd, INT64_MAX, SEEK_CUR));
    SHOW(lseek(fd, INT64_MIN, SEEK_END));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(memory, INT64_MAX, SEEK_SET));
    SHOW(lseek(memory, 1, SEEK_CUR));
    return 0;
}
