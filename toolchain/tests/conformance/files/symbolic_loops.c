// Links that lead to themselves, to nothing, and through directories.
#include "../show.h"
int main(void) {
    symlink("a", "b"), symlink("b", "a"), symlink("self", "self");
    symlink("nothing", "dangling"), mkdir("d", 0755), symlink("d", "to_d"), symlink("d/", "to_d_slash");
    SHOW(open("a", O_RDONLY));
    SHOW(open("self/x", O_RDONLY));
    SHOW(open("dangling", O_RDONLY));
    SHOW(open("dangling", O_RDONLY | O_NOFOLLOW));
    SHOW(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0600));
    WORKS(open("dangling", O_WRONLY | O_CREAT, 0600));
    SHOW(access("nothing", F_OK));
    struct stat s;
    SHOW(lstat("to_d", &s));
    printf("%d %d\n", S_ISLNK(s.st_mode) != 0, (int)s.st_size);
    SHOW(lstat("to_d/", &s));
    printf("%d\n", S_ISDIR(s.st_mode) != 0);
    SHOW(rmdir("to_d"));
    SHOW(mkdir("to_d", 0700));
    SHOW(open("to_d", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    WORKS(open("to_d_slash", O_RDONLY | O_DIRECTORY));
    SHOW(mkdir("to_d_slash/in", 0700));
    SHOW(access("d/in", F_OK));
    char name[20], target[20];
    for (int i = 0; i < 45; i++) {
        sprintf(name, "c%d", i), sprintf(target, i ? "c%d" : "d", i - 1);
        symlink(target, name);
    }
    SHOW(access("c38", F_OK));
    SHOW(access("c39", F_OK));
    SHOW(access("c40", F_OK));
    SHOW(symlink("", "empty"));
    SHOW(symlink("x", "d"));
    SHOW(readlink("d", name, 20));
    SHOW(readlink("a", name, 0));
    SHOW(chmod("dangling", 0444));
    SHOW(rename("self", "moved"));
    SHOW(readlink("moved", name, 20));
    SHOW(unlink("moved"));
    return 0;
}
