#include "../show.h"
int main(void) {
    int fd = open("a", O_RDWR | O_CREAT, 0600);
    SHOW(pwrite(fd, "end", 3, 3LL << 30));
    struct stat st;
    fstat(fd, &st);
    printf("%lld %d\n", (long long)st.st_size, st.st_blocks < 1 << 20);
    char text[4] = "";
    SHOW(pread(fd, text, 3, 1LL << 30));
    printf("%d%d%d\n", text[0], text[1], text[2]);
    SHOW(pread(fd, text, 4, 3LL << 30));
    printf("%.3s\n", text);
    SHOW(lseek(fd, 0, SEEK_DATA) >= 0);
    SHOW(lseek(fd, (3LL << 30) + 3, SEEK_DATA));
    SHOW(lseek(fd, (3LL << 30) + 1, SEEK_HOLE));
    return 0;
}
