// Ranges of locks at both ends of what a file can have.
#include "../show.h"

static int other;
static void lock(int fd, int whence, long start, long length) {
    struct flock range = {.l_type = F_WRLCK, .l_whence = whence, .l_start = start, .l_len = length};
    int result = fcntl(fd, F_OFD_SETLK, &range);
    printf("%d %ld %ld: %s\n", whence, start, length, result ? strerror(errno) : "ok");
    if (result) return;
    range = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fcntl(other, F_OFD_GETLK, &range);
    printf("held: %ld %ld\n", (long)range.l_start, (long)range.l_len);
    range = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET};
    fcntl(fd, F_OFD_SETLK, &range);
}

int main(void) {
    make("f", "0123456789");
    int fd = open("f", O_RDWR);
    other = open("f", O_RDWR);
    lseek(fd, 4, SEEK_SET);
    long most = INT64_MAX, least = INT64_MIN;
    lock(fd, SEEK_SET, 0, 0);
    lock(fd, SEEK_SET, most, 0);
    lock(fd, SEEK_SET, most, 1);
    lock(fd, SEEK_SET, most, 2);
    lock(fd, SEEK_SET, most - 1, 1);
    lock(fd, SEEK_SET, 0, most);
    lock(fd, SEEK_SET, 1, most);
    lock(fd, SEEK_SET, 2, most);
    lock(fd, SEEK_SET, 0, least);
    lock(fd, SEEK_SET, least, 0);
    lock(fd, SEEK_SET, least, least);
    lock(fd, SEEK_SET, -1, 1);
    lock(fd, SEEK_SET, 5, -5);
    lock(fd, SEEK_SET, 5, -6);
    lock(fd, SEEK_SET, most, -most);
    lock(fd, SEEK_CUR, most, 1);
    lock(fd, SEEK_CUR, -4, 1);
    lock(fd, SEEK_CUR, -5, 1);
    lock(fd, SEEK_CUR, 0, -4);
    lock(fd, SEEK_CUR, least, least);
    lock(fd, SEEK_END, most, least);
    lock(fd, SEEK_END, -10, 0);
    lock(fd, SEEK_END, -11, 0);
    return 0;
}
