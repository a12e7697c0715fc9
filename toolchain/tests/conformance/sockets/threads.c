#include "../show.h"
#include <pthread.h>
#include <sys/socket.h>
static int fds[2];
static void *echo(void *argument) {
    char block[4096];
    long count, total = 0;
    while ((count = recv(fds[1], block, sizeof block, 0)) > 0) {
        total += count;
        for (long sent = 0; sent < count;) sent += send(fds[1], block + sent, count - sent, 0);
    }
    close(fds[1]);
    return (void *)total;
}
int main(void) {
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    pthread_t thread;
    pthread_create(&thread, 0, echo, 0);
    static char out[50000], in[50000];
    for (int i = 0; i < 50000; i++) out[i] = i * 7;
    SHOW(send(fds[0], out, sizeof out, 0));
    SHOW(recv(fds[0], in, sizeof in, MSG_WAITALL));
    SHOW(memcmp(in, out, sizeof in));
    SHOW(shutdown(fds[0], SHUT_WR));
    SHOW(recv(fds[0], in, 1, 0));
    void *total;
    pthread_join(thread, &total);
    printf("%ld\n", (long)total);
    return 0;
}
