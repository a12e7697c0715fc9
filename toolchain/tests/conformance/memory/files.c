#include "../show.h"
#include <sys/mman.h>
int main(void) {
    char text[8192];
    memset(text, 'a', 8192);
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    write(fd, text, 5000);
    char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), *s = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("%c %c %d\n", p[0], p[4999], p[5000]);
    p[0] = 'P', s[1] = 'S';
    pread(fd, text, 2, 0);
    printf("%.2s\n", text);
    SHOW(msync(s, 8192, MS_SYNC));
    SHOW(munmap(s, 8192));
    pread(fd, text, 2, 0);
    printf("%.2s\n", text);
    char *second = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
    printf("%c %d\n", second[0], second[904]);
    SHOW(mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 1) == MAP_FAILED && errno == EINVAL);
    SHOW(mmap(0, 4096, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
    int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
    SHOW(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
    SHOW(mmap(0, 4096, PROT_READ, MAP_PRIVATE, writer, 0) == MAP_FAILED && errno == EACCES);
    close(fd);
    printf("%c\n", p[1]);
    return 0;
}
