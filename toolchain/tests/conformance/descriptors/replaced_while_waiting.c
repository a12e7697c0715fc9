// A call that waits stays with its open file, whatever becomes of the descriptor.
#include "../show.h"
#include <pthread.h>
#include <sys/socket.h>
static int ends[2];
static char text[64];
static void *read_it(void *argument) {
    memset(text, 0, sizeof text);
    return (void *)read(ends[0], text, 63);
}
static void *send_it(void *argument) {
    static char block[1000000];
    return (void *)write(ends[1], block, sizeof block);
}
static void join(pthread_t thread) {
    void *result;
    pthread_join(thread, &result);
    printf("%ld %s\n", (long)result, text);
}
int main(void) {
    pthread_t thread;
    make("file", "FILE");
    int file = open("file", O_RDWR);
    pipe(ends);
    pthread_create(&thread, 0, read_it, 0);
    usleep(50000);
    SHOW(dup2(file, ends[0]) == ends[0]);
    // The thread's call is all that still reads the pipe.
    SHOW(write(ends[1], "pipe", 4));
    join(thread);
    SHOW(lseek(file, 0, SEEK_CUR));
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(ends[1], "pipe", 4));
    close(ends[0]), close(ends[1]);
    pipe(ends);
    pthread_create(&thread, 0, read_it, 0);
    usleep(50000);
    SHOW(close(ends[0]));
    SHOW(write(ends[1], "closed", 6));
    join(thread);
    SHOW(fcntl(ends[0], F_GETFD));
    close(ends[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    pthread_create(&thread, 0, send_it, 0);
    usleep(50000);
    SHOW(dup2(file, ends[1]) == ends[1]);
    char block[4096];
    long total = 0, count;
    while ((count = read(ends[0], block, sizeof block)) > 0) total += count;
    printf("%ld\n", total);
    join(thread);
    print_file("file");
    return 0;
}
