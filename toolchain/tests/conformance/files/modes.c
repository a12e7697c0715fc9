#include "../show.h"
int main(void) {
    struct stat st;
    printf("%o\n", umask(027));
    int fd = open("a", O_RDWR | O_CREAT, 0777);
    fstat(fd, &st);
    printf("%o\n", st.st_mode);
    SHOW(mkdir("d", 0777));
    stat("d", &st);
    printf("%o\n", st.st_mode);
    SHOW(chmod("a", 04711));
    stat("a", &st);
    printf("%o\n", st.st_mode);
    SHOW(fchmod(fd, 0600));
    fstat(fd, &st);
    printf("%o\n", st.st_mode);
    SHOW(fchmodat(AT_FDCWD, "d", 01700, 0));
    stat("d", &st);
    printf("%o\n", st.st_mode);
    SHOW(chmod("none", 0600));
    SHOW(fchmod(99, 0600));
    SHOW(access("a", R_OK | W_OK));
    SHOW(access("none", F_OK));
    SHOW(faccessat(AT_FDCWD, "d", X_OK, AT_EACCESS));
    SHOW(access("a", 99));
    printf("%o\n", umask(0));
    return 0;
}
