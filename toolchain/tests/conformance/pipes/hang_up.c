// What poll says of pipes whose other end is closed, full or empty.
#include "../show.h"
#include <poll.h>
#include <sys/ioctl.h>
static void events(const char *what, int fd) {
    struct pollfd entry = {fd, POLLIN | POLLOUT | POLLPRI};
    int count = poll(&entry, 1, 0);
    printf("%s: %d %x\n", what, count, entry.revents);
}
int main(void) {
    signal(SIGPIPE, SIG_IGN);
    int p[2];
    pipe(p);
    events("empty, reader", p[0]);
    events("empty, writer", p[1]);
    write(p[1], "abc", 3);
    int count;
    SHOW(ioctl(p[0], FIONREAD, &count));
    printf("%d\n", count);
    events("filled, reader", p[0]);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    char block[4096] = {0};
    while (write(p[1], block, sizeof block) > 0) {}
    printf("%s\n", strerror(errno));
    events("full, writer", p[1]);
    int copy = dup(p[1]);
    close(p[1]);
    events("a copy of the writer is left", p[0]);
    close(copy);
    events("no writer", p[0]);
    long total = 0, got;
    while ((got = read(p[0], block, sizeof block)) > 0) total += got;
    printf("%d %ld\n", total >= 4096, got);
    events("no writer, empty", p[0]);
    pipe(p);
    close(p[0]);
    events("no reader", p[1]);
    SHOW(write(p[1], "x", 1));
    SHOW(write(p[1], "x", 0));
    events("a file", open("f", O_RDWR | O_CREAT, 0600));
    events("closed", 99);
    events("negative", -1);
    SHOW(read(p[1], block, 1));
    return 0;
}
