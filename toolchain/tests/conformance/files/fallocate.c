#include "../show.h"
int main(void) {
    int fd = open("/dev/shm/zvm-fallocate", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink("/dev/shm/zvm-fallocate");
    struct stat st;
    SHOW(fallocate(fd, 0, 0, 10000));
    fstat(fd, &st);
    printf("%ld %d\n", (long)st.st_size, st.st_blocks >= 20);
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 10000, 10000));
    fstat(fd, &st);
    printf("%ld\n", (long)st.st_size);
    pwrite(fd, "xxxxxxxxxx", 10, 5000);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5002, 4));
    char text[10];
    pread(fd, text, 10, 5000);
    for (int i = 0; i < 10; i++) putchar(text[i] ? text[i] : '.');
    putchar('\n');
    SHOW(fallocate(fd, 0, -1, 10));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(posix_fallocate(fd, 0, 20000));
    fstat(fd, &st);
    printf("%ld\n", (long)st.st_size);
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    return 0;
}
