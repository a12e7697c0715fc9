// What poll and the calls say of sockets that are new, listen, connect without waiting, are refused, and lose their other end.
#include "../show.h"
#include "loopback.h"
static int error_of(int fd) {
    int error = -1;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}
int main(void) {
    signal(SIGPIPE, SIG_IGN);
    char text[8];
    int fresh = socket(AF_INET, SOCK_STREAM, 0);
    printf("new: %x\n", ready(fresh));
    SHOW(read(fresh, text, 1));
    SHOW(write(fresh, text, 1));
    SHOW(shutdown(fresh, SHUT_WR));
    SHOW(accept(fresh, 0, 0));
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    SHOW(getpeername(fresh, (struct sockaddr *)&name, &size));
    SHOW(port_of(fresh));
    int listener = bound(SOCK_STREAM);
    int nobody = port_of(listener);
    name = local(0);
    SHOW(bind(listener, (struct sockaddr *)&name, sizeof name));
    SHOW(dial(fresh, nobody));
    SHOW(listen(listener, 2));
    printf("listens: %x\n", ready(listener));
    SHOW(read(listener, text, 1));
    fcntl(listener, F_SETFL, O_NONBLOCK);
    SHOW(accept(listener, 0, 0));
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(dial(client, nobody));
    struct pollfd entry = {client, POLLOUT, 0};
    SHOW(poll(&entry, 1, 1000));
    SHOW(error_of(client));
    SHOW(dial(client, nobody));
    SHOW(dial(client, nobody));
    printf("waits: %x\n", ready(listener));
    int end = accept4(listener, 0, 0, SOCK_CLOEXEC);
    SHOW(fcntl(end, F_GETFD));
    SHOW(read(client, text, 1));
    printf("connected: %x\n", ready(client));
    SHOW(write(end, "last", 4));
    SHOW(close(end));
    usleep(1000);
    printf("closed: %x\n", ready(client));
    SHOW(read(client, text, 8));
    SHOW(read(client, text, 8));
    SHOW(write(client, "x", 1));
    usleep(1000);
    SHOW(write(client, "x", 1));
    close(client);
    client = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(dial(client, nobody));
    end = accept(listener, 0, 0);
    SHOW(write(client, "unread", 6));
    SHOW(close(end));
    usleep(1000);
    printf("reset: %x\n", ready(client));
    SHOW(read(client, text, 8));
    SHOW(read(client, text, 8));
    close(client);
    close(listener);
    client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(dial(client, nobody));
    usleep(1000);
    printf("refused: %x\n", ready(client));
    SHOW(error_of(client));
    SHOW(error_of(client));
    return 0;
}
