// Datagrams through 127.0.0.1.
#include "../show.h"
#include "loopback.h"
int main(void) {
    int one = bound(SOCK_DGRAM), two = bound(SOCK_DGRAM);
    int port = port_of(one);
    struct sockaddr_in name = local(port), from = {0};
    socklen_t size = sizeof from;
    char text[32] = "";
    SHOW(sendto(two, "first", 5, 0, (struct sockaddr *)&name, sizeof name));
    SHOW(sendto(two, "", 0, 0, (struct sockaddr *)&name, sizeof name));
    SHOW(send(two, "x", 1, 0));
    printf("%x\n", ready(one));
    SHOW(recvfrom(one, text, 3, MSG_TRUNC, (struct sockaddr *)&from, &size));
    printf("%d %d %s\n", (int)size, ntohs(from.sin_port) == port_of(two), inet_ntoa(from.sin_addr));
    SHOW(recv(one, text, 32, 0));
    SHOW(recv(one, text, 32, MSG_DONTWAIT));
    SHOW(dial(two, port));
    SHOW(send(two, "connected", 9, 0));
    SHOW(recv(one, text, 32, 0));
    int third = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in second = local(port_of(two));
    SHOW(sendto(third, "not heard", 9, 0, (struct sockaddr *)&second, sizeof second));
    SHOW(recv(two, text, 32, MSG_DONTWAIT));
    static char large[70000];
    SHOW(send(two, large, 65507, 0));
    SHOW(recv(one, large, sizeof large, 0));
    SHOW(send(two, large, 65508, 0));
    close(one);
    SHOW(send(two, "lost", 4, 0));
    usleep(1000);
    SHOW(send(two, "lost", 4, 0));
    struct timeval soon = {0, 1000};
    SHOW(setsockopt(third, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    SHOW(recv(third, text, 32, 0));
    struct iovec part = {"gathered", 8};
    struct msghdr message = {.msg_name = &second, .msg_namelen = sizeof second, .msg_iov = &part, .msg_iovlen = 1};
    SHOW(connect(two, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
    // Its name went with the connection, but not its port.
    SHOW(sendmsg(third, &message, 0));
    struct sockaddr_in outside = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001)};
    outside.sin_family = AF_UNIX;
    SHOW(sendto(third, "x", 1, 0, (struct sockaddr *)&outside, sizeof outside));
    return 0;
}
