// Names relative to a directory's descriptor.
#include "../show.h"
int main(void) {
    mkdir("d", 0755);
    int d = open("d", O_RDONLY | O_DIRECTORY), f;
    SHOW(mkdirat(d, "sub", 0700));
    f = openat(d, "sub/file", O_WRONLY | O_CREAT, 0640);
    SHOW(write(f, "text", 4));
    SHOW(mkdirat(f, "x", 0700));
    SHOW(openat(f, "x", O_RDONLY));
    SHOW(linkat(d, "sub/file", d, "hard", 0));
    SHOW(symlinkat("sub/file", d, "soft"));
    SHOW(linkat(d, "soft", d, "hardsoft", 0));
    SHOW(linkat(d, "soft", d, "followed", AT_SYMLINK_FOLLOW));
    struct stat s;
    SHOW(fstatat(d, "hardsoft", &s, AT_SYMLINK_NOFOLLOW));
    printf("%d %d\n", S_ISLNK(s.st_mode) != 0, (int)s.st_nlink);
    SHOW(fstatat(d, "followed", &s, 0));
    printf("%o %d %d\n", s.st_mode, (int)s.st_nlink, (int)s.st_size);
    SHOW(fstatat(f, "", &s, AT_EMPTY_PATH));
    printf("%d\n", (int)s.st_nlink);
    SHOW(fstatat(d, "", &s, 0));
    SHOW(fstatat(99, "d", &s, 0));
    SHOW(fstatat(d, "hard", &s, 0x40000000));
    char text[20] = {0};
    SHOW(readlinkat(d, "soft", text, 3));
    puts(text);
    SHOW(readlinkat(d, "hard", text, 3));
    SHOW(fchmodat(d, "hard", 0400, 0));
    SHOW(faccessat(d, "hard", R_OK, 0));
    SHOW(faccessat(d, "none", F_OK, 0));
    SHOW(faccessat(d, "hard", 77, 0));
    SHOW(fchownat(d, "hard", -1, -1, 0));
    SHOW(renameat(d, "hard", AT_FDCWD, "out"));
    SHOW(unlinkat(d, "sub", 0));
    SHOW(unlinkat(d, "sub", AT_REMOVEDIR));
    SHOW(unlinkat(d, "sub/file", AT_REMOVEDIR));
    SHOW(unlinkat(d, "sub/file", 0));
    SHOW(unlinkat(d, "sub", AT_REMOVEDIR));
    SHOW(unlinkat(d, "soft", 12345));
    print_file("out");
    SHOW(fchdir(d));
    SHOW(access("soft", F_OK));
    SHOW(faccessat(AT_FDCWD, "soft", F_OK, AT_SYMLINK_NOFOLLOW));
    return 0;
}
