#include "../show.h"
int main(void) {
    make("a", "0123456789");
    int fd = open("a", O_RDWR);
    SHOW(lseek(fd, 4, SEEK_SET));
    SHOW(lseek(fd, -2, SEEK_CUR));
    SHOW(lseek(fd, -1, SEEK_END));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, -11, SEEK_END));
    SHOW(lseek(fd, 0, 99));
    SHOW(lseek(fd, 20, SEEK_SET));
    SHOW(read(fd, (char[1]){0}, 1));
    SHOW(write(fd, "x", 1));
    char text[32];
    SHOW(pread(fd, text, 32, 0));
    int zeros = 0;
    for (int i = 0; i < 21; i++) zeros += text[i] == 0;
    printf("%d %c\n", zeros, text[20]);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(99, 0, SEEK_CUR));
    SHOW(lseek(fd, 1LL << 40, SEEK_SET));
    SHOW(read(fd, text, 1));
    return 0;
}
