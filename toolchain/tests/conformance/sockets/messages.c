#include "../show.h"
#include <sys/socket.h>
#include <sys/un.h>
int main(void) {
    int fds[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    struct iovec out[2] = {{"scatter ", 8}, {"gather", 6}};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
    SHOW(sendmsg(fds[0], &message, 0));
    char a[5] = "", b[20] = "";
    struct iovec in[2] = {{a, 4}, {b, 19}};
    message = (struct msghdr){.msg_iov = in, .msg_iovlen = 2};
    SHOW(recvmsg(fds[1], &message, 0));
    printf("%s|%s %x\n", a, b, message.msg_flags);
    struct sockaddr_un name;
    socklen_t size = sizeof name;
    SHOW(getsockname(fds[0], (struct sockaddr *)&name, &size));
    printf("%d %d\n", name.sun_family == AF_UNIX, (int)size);
    size = sizeof name;
    SHOW(getpeername(fds[0], (struct sockaddr *)&name, &size));
    int on = 1;
    SHOW(setsockopt(fds[0], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
    SHOW(setsockopt(fds[0], SOL_SOCKET, 9999, &on, sizeof on));
    SHOW(send(0, "x", 1, 0));
    SHOW(recv(99, a, 1, 0));
    int pipes[2];
    pipe(pipes);
    SHOW(shutdown(pipes[0], SHUT_RD));
    SHOW(listen(pipes[0], 1));
    return 0;
}
