#include "../show.h"
#include <sys/socket.h>
int main(void) {
    int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    for (int i = 0; i < 2; i++) {
        int fds[2];
        char text[32] = "";
        SHOW(socketpair(AF_UNIX, types[i], 0, fds));
        SHOW(send(fds[0], "first message", 13, 0));
        SHOW(send(fds[0], "second", 6, 0));
        SHOW(recv(fds[1], text, 5, 0));
        SHOW(recv(fds[1], text, 31, 0));
        puts(text);
        SHOW(recv(fds[1], text, 31, MSG_DONTWAIT));
        send(fds[0], "truncated", 9, 0);
        SHOW(recv(fds[1], text, 3, MSG_TRUNC));
        int kind;
        socklen_t size = sizeof kind;
        SHOW(getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &kind, &size));
        printf("%d %d\n", kind == types[i], (int)size);
    }
    return 0;
}
