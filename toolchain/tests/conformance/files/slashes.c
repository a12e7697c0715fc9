// Names that end in a slash: where a name is made or taken away, no symbolic link is followed.
#include "../show.h"
int main(void) {
    struct stat st;
    mkdir("d", 0755), symlink("d", "l"), symlink("nowhere", "dangling");
    make("f", "f"), symlink("f", "lf");
    SHOW(rmdir("l/"));
    SHOW(unlink("l/"));
    SHOW(rename("l/", "m"));
    SHOW(rename("d", "l/"));
    SHOW(access("d", F_OK));
    SHOW(mkdir("dangling/", 0755));
    SHOW(mkdir("l/", 0755));
    SHOW(mkdir("f/", 0755));
    SHOW(access("nowhere", F_OK));
    SHOW(mknod("dangling/", S_IFREG | 0600, 0));
    SHOW(link("f", "new/"));
    SHOW(link("f", "dangling/"));
    SHOW(symlink("x", "sl/"));
    SHOW(rename("f", "g/"));
    SHOW(rename("f/", "g"));
    SHOW(rename("f", "lf/"));
    SHOW(rename("d", "dangling/"));
    SHOW(rename("no", "f/"));
    SHOW(unlink("f/"));
    SHOW(rmdir("f/"));
    SHOW(unlink("d/"));
    SHOW(unlink("no/"));
    SHOW(open("f/", O_RDONLY));
    SHOW(open("lf/", O_RDONLY));
    SHOW(open("no/", O_CREAT | O_RDWR, 0600));
    SHOW(open("dangling/", O_CREAT | O_RDWR, 0600));
    SHOW(lstat("l/", &st)); printf("%o\n", st.st_mode & S_IFMT);
    SHOW(lstat("l", &st)); printf("%o\n", st.st_mode & S_IFMT);
    SHOW(mkdir("n/", 0755));
    SHOW(rename("n/", "n2/"));
    SHOW(rmdir("n2/"));
    SHOW(rmdir("d/"));
    SHOW(access("l/", F_OK));
    return 0;
}
