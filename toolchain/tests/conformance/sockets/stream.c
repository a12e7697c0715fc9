// A server and a client that talk through 127.0.0.1, in two threads.
#include "../show.h"
#include "loopback.h"
#include <pthread.h>
static int listener;
static void *server(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        int fd = accept(listener, (struct sockaddr *)&peer, &size);
        char block[4096];
        long count, total = 0;
        while ((count = read(fd, block, sizeof block)) > 0) total += count;
        int length = snprintf(block, sizeof block, "%ld from %s", total, inet_ntoa(peer.sin_addr));
        write(fd, block, length);
        close(fd);
    }
    return 0;
}
int main(void) {
    listener = bound(SOCK_STREAM);
    SHOW(listen(listener, 5));
    int port = port_of(listener);
    SHOW(port > 1023);
    pthread_t thread;
    pthread_create(&thread, 0, server, 0);
    for (int i = 0; i < 3; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        SHOW(dial(fd, port));
        static char data[300000];
        SHOW(write(fd, data, i * 100000 + 1) == i * 100000 + 1);
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        SHOW(getpeername(fd, (struct sockaddr *)&peer, &size));
        printf("%d %d %s\n", (int)size, ntohs(peer.sin_port) == port, inet_ntoa(peer.sin_addr));
        SHOW(port_of(fd) != port);
        SHOW(dial(fd, port));
        SHOW(shutdown(fd, SHUT_WR));
        char text[100] = "";
        SHOW(recv(fd, text, sizeof text - 1, MSG_WAITALL) > 0);
        puts(text);
        SHOW(read(fd, text, 1));
        close(fd);
    }
    pthread_join(thread, 0);
    close(listener);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(dial(fd, port));
    return 0;
}
