// sendfile to what has no room waits, and sends every byte once.
#include "../show.h"
#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

enum { SIZE = 300000, BEFORE = 1000 };
static int ends[2];
static unsigned char bytes[SIZE];
static long total, wrong;

static void *read_all(void *unused) {
    unsigned char piece[5000];
    long count;
    usleep(1000);
    while ((count = read(ends[0], piece, sizeof piece)) > 0) {
        for (long i = 0; i < count; i++, total++)
            wrong += piece[i] != (total < BEFORE ? 'b' : bytes[total - BEFORE]);
    }
    return 0;
}

static void run(const char *what, off_t *offset) {
    static char before[BEFORE];
    pthread_t reader;
    memset(before, 'b', BEFORE);
    total = wrong = 0;
    write(ends[1], before, BEFORE);
    pthread_create(&reader, 0, read_all, 0);
    int fd = open("f", O_RDONLY);
    // Linux sends what a pipe takes at once, or more.
    long sent = 0, count;
    while (sent < SIZE && (count = sendfile(ends[1], fd, offset, SIZE - sent)) > 0) sent += count;
    printf("%s: sent %ld\n", what, sent);
    close(ends[1]);
    pthread_join(reader, 0);
    printf("came %ld, wrong %ld, file at %ld, offset %ld\n", total, wrong, (long)lseek(fd, 0, SEEK_CUR), offset ? (long)*offset : -1);
    close(fd);
    close(ends[0]);
}

int main(void) {
    for (int i = 0; i < SIZE; i++) bytes[i] = i * 7 + i / 256;
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    write(fd, bytes, SIZE);
    close(fd);
    off_t offset = 0;
    pipe(ends);
    run("pipe", 0);
    pipe(ends);
    run("pipe, from an offset", &offset);
    pipe(ends);
    fcntl(ends[1], F_SETPIPE_SZ, 131072);
    run("larger pipe", 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    run("socket", 0);
    return 0;
}
