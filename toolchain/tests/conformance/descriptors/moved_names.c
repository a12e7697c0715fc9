// /proc/self/fd says where an open file is now, and files without a name get none again.
#include "../show.h"
static void show(int fd) {
    char path[64], name[4096];
    sprintf(path, "/proc/self/fd/%d", fd);
    long size = readlink(path, name, sizeof name - 1);
    name[size < 0 ? 0 : size] = 0;
    char *mark = strstr(name, "/top");
    printf("%s\n", mark ? mark : name);
}
int main(void) {
    char path[64];
    mkdir("top", 0755), chdir("top");
    mkdir("d", 0755);
    make("d/a", "a"), make("b", "b");
    int a = open("d/a", O_RDONLY), b = open("b", O_RDONLY), d = open("d", O_RDONLY);
    link("d/a", "other");
    rename("d/a", "d/c"), show(a);
    rename("other", "another"), show(a);
    rename("d", "e"), show(a), show(d);
    rename("e/c", "b"), show(a), show(b);
    unlink("b"), show(a);
    rmdir("e"), show(d);
    sprintf(path, "/proc/self/fd/%d", b);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
    sprintf(path, "/proc/self/fd/%d", a);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
    print_file("again");
    int t = open(".", O_TMPFILE | O_RDWR, 0600);
    sprintf(path, "/proc/self/fd/%d", t);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "made", AT_SYMLINK_FOLLOW));
    SHOW(unlink("made"));
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "made", AT_SYMLINK_FOLLOW));
    t = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600);
    sprintf(path, "/proc/self/fd/%d", t);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "made", AT_SYMLINK_FOLLOW));
    return 0;
}
