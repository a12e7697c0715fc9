#include "../show.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>
int main(void) {
    struct statfs fs;
    struct statvfs vfs;
    SHOW(statfs(".", &fs));
    printf("%d %d %d\n", fs.f_bsize >= 512, fs.f_blocks >= fs.f_bfree, fs.f_namelen >= 255);
    SHOW(statvfs(".", &vfs));
    printf("%d %d\n", vfs.f_frsize >= 512, vfs.f_namemax >= 255);
    int fd = open(".", O_RDONLY);
    SHOW(fstatfs(fd, &fs));
    SHOW(statfs("none", &fs));
    SHOW(fstatfs(99, &fs));
    return 0;
}
