#include "../show.h"
int main(void) {
    char text[64];
    make("a", "text");
    SHOW(link("a", "b"));
    SHOW(link("a", "b"));
    SHOW(link("none", "c"));
    SHOW(link(".", "c"));
    SHOW(symlink("a", "s"));
    SHOW(symlink("a", "s"));
    SHOW(symlink("", "e"));
    SHOW(symlink("nowhere", "dangling"));
    SHOW(readlink("s", text, sizeof text));
    SHOW(readlink("s", text, 0));
    SHOW(readlink("a", text, sizeof text));
    SHOW(readlink("dangling", text, 3));
    printf("%.3s\n", text);
    SHOW(open("dangling", O_RDONLY));
    SHOW(open("s", O_RDONLY | O_NOFOLLOW));
    SHOW(link("s", "hard"));
    SHOW(readlink("hard", text, sizeof text));
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
    print_file("followed");
    symlink("loop2", "loop1"), symlink("loop1", "loop2");
    SHOW(open("loop1", O_RDONLY));
    SHOW(open("dangling", O_WRONLY | O_CREAT, 0600));
    SHOW(access("nowhere", F_OK));
    unlink("a");
    print_file("b");
    SHOW(open("s", O_RDONLY));
    return 0;
}
