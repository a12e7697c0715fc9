#include "../show.h"
int main(void) {
    struct stat st;
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d/e/f", 0755));
    SHOW(mkdir("d/e", 0755));
    SHOW(mkdir("x/", 0755));
    stat("d", &st);
    printf("%d\n", S_ISDIR(st.st_mode));
    SHOW(rmdir("d"));
    make("d/file", "");
    SHOW(rmdir("d/file"));
    SHOW(rmdir("d/e"));
    SHOW(rmdir("d/e"));
    SHOW(unlink("d/file"));
    SHOW(rmdir("d/."));
    SHOW(rmdir("d/.."));
    SHOW(rmdir("d/"));
    SHOW(rmdir("x"));
    SHOW(mkdir("", 0755));
    SHOW(mkdir("/", 0755));
    SHOW(mkdirat(AT_FDCWD, "y", 0700));
    return 0;
}
