#include "../show.h"
int main(void) {
    make("a", "x");
    symlink("a", "s");
    int fd = open("a", O_PATH);
    char byte;
    struct stat st;
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, "y", 1));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(fstat(fd, &st));
    SHOW(fchmod(fd, 0600));
    SHOW(ftruncate(fd, 0));
    int link = open("s", O_PATH | O_NOFOLLOW);
    SHOW(fstat(link, &st));
    printf("%d\n", S_ISLNK(st.st_mode));
    SHOW(readlinkat(link, "", (char[8]){0}, 8));
    int directory = open(".", O_PATH | O_DIRECTORY);
    WORKS(openat(directory, "a", O_RDONLY));
    return 0;
}
