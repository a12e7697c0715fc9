#include "../show.h"
#include <linux/fs.h>
int main(void) {
    make("a", "A"), make("b", "B");
    mkdir("d", 0700);
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE));
    print_file("b"), print_file("c");
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "d", RENAME_EXCHANGE));
    print_file("d");
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "none", RENAME_EXCHANGE));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SHOW(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 1 << 20));
    return 0;
}
