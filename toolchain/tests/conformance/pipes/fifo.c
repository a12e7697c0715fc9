#include "../show.h"
#include <pthread.h>
static void *read_it(void *argument) {
    char text[16] = "";
    int fd = open("fifo", O_RDONLY);
    while (read(fd, text, 15) > 0) printf("%s", text), memset(text, 0, 16);
    close(fd);
    return 0;
}
int main(void) {
    SHOW(mkfifo("fifo", 0640));
    SHOW(mkfifo("fifo", 0640));
    struct stat st;
    stat("fifo", &st);
    printf("%o\n", st.st_mode);
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    WORKS(reader);
    char byte;
    SHOW(read(reader, &byte, 1));
    int writer = open("fifo", O_WRONLY | O_NONBLOCK);
    SHOW(read(reader, &byte, 1));
    SHOW(write(writer, "x", 1));
    close(writer);
    SHOW(read(reader, &byte, 1));
    SHOW(read(reader, &byte, 1));
    close(reader);
    pthread_t thread;
    pthread_create(&thread, 0, read_it, 0);
    writer = open("fifo", O_WRONLY);
    write(writer, "through the fifo\n", 17);
    close(writer);
    pthread_join(thread, 0);
    SHOW(unlink("fifo"));
    return 0;
}
