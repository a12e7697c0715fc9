// mknod: files and FIFOs, by their modes; and what is there under two names.
#include "../show.h"
#include <poll.h>
int main(void) {
    struct stat about;
    umask(022);
    SHOW(mknod("file", S_IFREG | 0666, 0));
    SHOW(mknod("plain", 0600, 0));
    SHOW(mknod("file", S_IFREG | 0666, 0));
    SHOW(stat("file", &about));
    printf("%o\n", about.st_mode);
    SHOW(mkfifo("fifo", 0640));
    SHOW(mkfifo("fifo", 0640));
    SHOW(mkfifo("no/fifo", 0640));
    SHOW(lstat("fifo", &about));
    printf("%o %lld\n", about.st_mode, (long long)about.st_size);
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    int in = open("fifo", O_RDONLY | O_NONBLOCK);
    int out = open("fifo", O_WRONLY | O_NONBLOCK);
    SHOW(write(out, "through", 7));
    char text[16] = {0};
    SHOW(read(in, text, sizeof text));
    puts(text);
    SHOW(read(in, text, sizeof text));
    SHOW(lseek(in, 0, SEEK_SET));
    close(out);
    SHOW(read(in, text, sizeof text));
    SHOW(mknod("dir", S_IFDIR | 0755, 0));
    SHOW(unlink("fifo"));
    return 0;
}
