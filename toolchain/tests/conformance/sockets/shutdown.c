// Half-closed pairs, packets with their ends, peeking.
#include "../show.h"
#include <sys/socket.h>
int main(void) {
    signal(SIGPIPE, SIG_IGN);
    int s[2];
    char text[20] = {0};
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(write(s[0], "hello", 5));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(write(s[0], "x", 1));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(recv(s[1], text, 3, MSG_PEEK));
    SHOW(recv(s[1], text, 20, 0));
    puts(text);
    SHOW(recv(s[1], text, 20, 0));
    SHOW(write(s[1], "back", 4));
    SHOW(read(s[0], text, 20));
    SHOW(shutdown(s[1], SHUT_RDWR));
    SHOW(read(s[0], text, 20));
    SHOW(shutdown(s[1], 7));
    SHOW(shutdown(1, SHUT_WR));
    close(s[0]), close(s[1]);
    SHOW(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
    SHOW(fcntl(s[0], F_GETFD));
    SHOW(write(s[0], "first packet", 12));
    SHOW(write(s[0], "second", 6));
    SHOW(read(s[1], text, 5));
    SHOW(read(s[1], text, 20));
    printf("%.6s\n", text);
    SHOW(read(s[1], text, 20));
    close(s[0]);
    SHOW(read(s[1], text, 20));
    SHOW(write(s[1], "x", 1));
    int type = 0;
    socklen_t size = sizeof type;
    SHOW(getsockopt(s[1], SOL_SOCKET, SO_TYPE, &type, &size));
    printf("%d %d\n", type == SOCK_SEQPACKET, (int)size);
    return 0;
}
