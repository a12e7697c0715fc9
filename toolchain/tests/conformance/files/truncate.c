#include "../show.h"
int main(void) {
    make("a", "0123456789");
    struct stat st;
    SHOW(truncate("a", 4));
    print_file("a");
    SHOW(truncate("a", 8));
    stat("a", &st);
    printf("%ld\n", (long)st.st_size);
    int fd = open("a", O_RDWR);
    char text[8];
    read(fd, text, 8);
    printf("%.4s %d%d%d%d\n", text, text[4], text[5], text[6], text[7]);
    SHOW(ftruncate(fd, 0));
    SHOW(ftruncate(fd, -1));
    SHOW(ftruncate(fd, 1 << 20));
    fstat(fd, &st);
    printf("%ld\n", (long)st.st_size);
    SHOW(truncate("none", 0));
    SHOW(truncate(".", 0));
    close(fd);
    fd = open("a", O_RDONLY);
    SHOW(ftruncate(fd, 0));
    SHOW(ftruncate(99, 0));
    return 0;
}
