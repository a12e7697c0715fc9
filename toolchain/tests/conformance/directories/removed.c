// What `..` of a removed directory is, and that nothing can be made there.
#include "../show.h"
int main(void) {
    struct stat st;
    mkdir("w", 0755), chdir("w");
    mkdir("p", 0755), mkdir("p/q", 0755), chdir("p/q");
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    SHOW(rmdir("../../p/q"));
    SHOW(rmdir("../../p"));
    SHOW(stat("..", &st)); printf("%d\n", (int)st.st_nlink);
    SHOW(stat(".", &st)); printf("%d\n", (int)st.st_nlink);
    // A new directory must not be taken for the one that has gone.
    SHOW(mkdir("../../other", 0755));
    SHOW(open("../boo", O_CREAT | O_RDWR, 0600));
    SHOW(access("../../other/boo", F_OK));
    SHOW(mkdir("x", 0755));
    SHOW(mkdir("../x", 0755));
    SHOW(symlink("a", "x"));
    SHOW(rename("../../other", "../x"));
    SHOW(getcwd((char[100]){0}, 100) == 0 && errno == ENOENT);
    WORKS(chdir("../.."));
    SHOW(access("other", F_OK));
    SHOW(openat(fd, "y", O_CREAT | O_RDWR, 0600));
    SHOW(mkdirat(fd, "../y", 0700));
    close(fd);
    for (int i = 0; i < 20; i++) {
        char name[16];
        sprintf(name, "n%d", i), mkdir(name, 0755);
    }
    SHOW(stat(".", &st)); printf("%d\n", (int)st.st_nlink);
    return 0;
}
