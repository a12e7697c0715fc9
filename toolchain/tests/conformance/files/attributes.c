// Extended attributes, of files that have none on Linux either.
#include "../show.h"
#include <sys/xattr.h>
int main(void) {
    const char *name = "/proc/self/status";
    char text[16];
    int fd = open(name, O_RDONLY);
    SHOW(setxattr(name, "user.a", "x", 1, 0));
    SHOW(lsetxattr(name, "user.a", "x", 1, 0));
    SHOW(fsetxattr(fd, "user.a", "x", 1, 0));
    SHOW(getxattr(name, "user.a", text, sizeof text));
    SHOW(lgetxattr(name, "user.a", text, sizeof text));
    SHOW(fgetxattr(fd, "user.a", text, sizeof text));
    SHOW(removexattr(name, "user.a"));
    SHOW(lremovexattr(name, "user.a"));
    SHOW(fremovexattr(fd, "user.a"));
    SHOW(listxattr(name, text, sizeof text));
    SHOW(llistxattr(name, text, sizeof text));
    SHOW(flistxattr(fd, text, sizeof text));
    return 0;
}
