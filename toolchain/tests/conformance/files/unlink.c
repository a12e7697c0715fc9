#include "../show.h"
int main(void) {
    make("a", "still here");
    mkdir("d", 0700);
    int fd = open("a", O_RDWR);
    SHOW(unlink("a"));
    SHOW(unlink("a"));
    SHOW(unlink("d") == -1 && (errno == EISDIR || errno == EPERM));
    char text[16] = "";
    SHOW(read(fd, text, 15));
    puts(text);
    struct stat st;
    fstat(fd, &st);
    printf("%ld\n", (long)st.st_nlink);
    SHOW(write(fd, "!", 1));
    make("a", "new");
    SHOW(pread(fd, text, 15, 0));
    print_file("a");
    SHOW(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR));
    SHOW(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
    SHOW(unlinkat(AT_FDCWD, "a", 1 << 15));
    SHOW(remove("a"));
    return 0;
}
