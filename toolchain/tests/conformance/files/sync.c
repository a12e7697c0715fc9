#include "../show.h"
int main(void) {
    int fd = open("a", O_RDWR | O_CREAT, 0600), pipes[2];
    pipe(pipes);
    SHOW(fsync(fd));
    SHOW(fdatasync(fd));
    SHOW(fsync(99));
    SHOW(fsync(pipes[0]));
    SHOW(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
    SHOW(syncfs(fd));
    sync();
    return 0;
}
