#include "../show.h"
int main(void) {
    SHOW(open("none", O_RDONLY));
    SHOW(open("a", O_WRONLY | O_CREAT | O_EXCL, 0600));
    SHOW(open("a", O_WRONLY | O_CREAT | O_EXCL, 0600));
    SHOW(write(3, "hello", 5));
    SHOW(read(3, (char[1]){0}, 1));
    SHOW(open("a", O_RDONLY | O_DIRECTORY));
    SHOW(open(".", O_RDONLY | O_DIRECTORY));
    SHOW(open(".", O_WRONLY));
    SHOW(open("a/b", O_RDONLY));
    SHOW(open("a", O_RDWR | O_TRUNC));
    SHOW(lseek(5, 0, SEEK_END));
    SHOW(open("", O_RDONLY));
    SHOW(open("a/", O_RDONLY));
    SHOW(open("new/", O_WRONLY | O_CREAT, 0600));
    SHOW(creat("c", 0640));
    SHOW(openat(AT_FDCWD, "c", O_RDONLY));
    SHOW(openat(4, "c", O_RDONLY));
    SHOW(openat(3, "c", O_RDONLY));
    SHOW(openat(77, "c", O_RDONLY));
    return 0;
}
