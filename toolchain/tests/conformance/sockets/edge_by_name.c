// EPOLLET and EPOLLOUT of a datagram socket that is connected by a name: room at the other end is an event.
#include "../show.h"
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(void) {
    static char block[4096];
    struct sockaddr_un name = {AF_UNIX, "server"};
    int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    SHOW(bind(server, (void *)&name, sizeof name));
    SHOW(connect(client, (void *)&name, sizeof name));
    int epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLOUT | EPOLLET, {0}}, got;
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    int sent = 0;
    while (send(client, block, sizeof block, 0) > 0) sent++;
    printf("%d\n", errno == EAGAIN);
    SHOW(epoll_wait(epoll, &got, 1, 0));
    while (sent--) recv(server, block, sizeof block, 0);
    SHOW(epoll_wait(epoll, &got, 1, 1000));
    SHOW(epoll_wait(epoll, &got, 1, 0));
    return 0;
}
