#include "../show.h"
int main(void) {
    struct stat st;
    make("a", "");
    symlink("a", "s");
    stat("a", &st);
    printf("%d %d\n", st.st_uid == geteuid(), st.st_gid == getegid());
    SHOW(chown("a", -1, -1));
    SHOW(chown("a", geteuid(), getegid()));
    SHOW(lchown("s", geteuid(), -1));
    SHOW(fchownat(AT_FDCWD, "a", -1, getegid(), 0));
    SHOW(chown("none", -1, -1));
    SHOW(fchown(99, -1, -1));
    return 0;
}
