// O_SYNC and its kin, readahead, and files that are only asked for.
#include "../show.h"
int main(void) {
    int fd = open("f", O_RDWR | O_CREAT | O_SYNC, 0644);
    SHOW((fcntl(fd, F_GETFL) & O_SYNC) == O_SYNC);
    SHOW(write(fd, "abc", 3));
    int data = open("f", O_WRONLY | O_DSYNC);
    SHOW((fcntl(data, F_GETFL) & O_SYNC) == O_DSYNC);
    SHOW(syscall(SYS_readahead, fd, 0, 100));
    SHOW(syscall(SYS_readahead, data, 0, 100));
    SHOW(syscall(SYS_readahead, 99, 0, 100));
    int pair[2];
    pipe(pair);
    SHOW(syscall(SYS_readahead, pair[0], 0, 100));
    SHOW(fsync(pair[0]));
    SHOW(syscall(SYS_sync_file_range, fd, 0, 3, 0));
    SHOW(syscall(SYS_sync_file_range, pair[0], 0, 3, 0));
    SHOW(syscall(SYS_sync_file_range, fd, 0, 3, 99));
    SHOW(syscall(SYS_sync_file_range, fd, -1L, 3, 0));
    SHOW(syscall(SYS_sync_file_range, 99, 0, 3, 0));
    SHOW(syscall(SYS_syncfs, pair[0]));
    SHOW(syscall(SYS_syncfs, 99));
    SHOW(open("f", O_RDWR | O_DIRECTORY));
    SHOW(open("f/", O_RDWR));
    SHOW(open(".", O_RDWR));
    SHOW(open("", O_RDONLY));
    SHOW(open("new", O_RDONLY | O_EXCL));
    char longer[300];
    memset(longer, 'n', 299);
    longer[299] = 0;
    SHOW(open(longer, O_RDONLY));
    return 0;
}
