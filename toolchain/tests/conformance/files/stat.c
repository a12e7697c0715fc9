#include "../show.h"
int main(void) {
    struct stat st, other;
    umask(022);
    make("a", "12345");
    SHOW(stat("a", &st));
    printf("%o %ld %ld %d\n", st.st_mode, (long)st.st_size, (long)st.st_nlink, st.st_blksize >= 512);
    SHOW(link("a", "b"));
    stat("b", &other);
    printf("%d %ld\n", st.st_ino == other.st_ino && st.st_dev == other.st_dev, (long)other.st_nlink);
    SHOW(symlink("a", "s"));
    SHOW(lstat("s", &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    SHOW(fstatat(AT_FDCWD, "s", &st, AT_SYMLINK_NOFOLLOW));
    printf("%d\n", S_ISLNK(st.st_mode));
    SHOW(stat("s", &st));
    printf("%d %d\n", S_ISREG(st.st_mode), st.st_ino == other.st_ino);
    int fd = open("a", O_RDONLY);
    SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
    printf("%ld\n", (long)st.st_size);
    SHOW(stat("none", &st));
    SHOW(stat("a/x", &st));
    SHOW(stat("", &st));
    SHOW(fstat(99, &st));
    SHOW(stat("/dev/null", &st));
    printf("%d\n", S_ISCHR(st.st_mode));
    return 0;
}
