// Who waits for the other end of a FIFO does not miss one that comes, writes and goes.
#include "../show.h"
#include <pthread.h>
static void *read_it(void *argument) {
    char text[64];
    int fd = open("fifo", O_RDONLY);
    SHOW(fd >= 0);
    SHOW(read(fd, text, sizeof text));
    SHOW(read(fd, text, sizeof text));
    close(fd);
    return 0;
}
static void *write_it(void *argument) {
    int fd = open("fifo", O_WRONLY);
    SHOW(fd >= 0);
    close(fd);
    return 0;
}
int main(void) {
    pthread_t thread;
    SHOW(mkfifo("fifo", 0600));
    pthread_create(&thread, 0, read_it, 0);
    usleep(50000);
    int fd = open("fifo", O_WRONLY);
    write(fd, "hello", 5);
    close(fd);
    pthread_join(thread, 0);
    pthread_create(&thread, 0, write_it, 0);
    usleep(50000);
    fd = open("fifo", O_RDONLY | O_NONBLOCK);
    close(fd);
    pthread_join(thread, 0);
    return 0;
}
