#include "../show.h"
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
int main(void) {
    int fds[2];
    char text[32] = "";
    signal(SIGPIPE, SIG_IGN);
    SHOW(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    SHOW(read(fds[0], text, 1));
    SHOW(write(fds[0], "ping", 4));
    SHOW(send(fds[1], "pong", 4, 0));
    SHOW(recv(fds[1], text, 2, MSG_PEEK));
    SHOW(read(fds[1], text, 31));
    puts(text);
    SHOW(recv(fds[0], text, 31, 0));
    puts(text);
    struct pollfd entry = {fds[0], POLLIN | POLLOUT | POLLRDHUP};
    poll(&entry, 1, 0);
    printf("%x\n", entry.revents);
    SHOW(shutdown(fds[1], SHUT_WR));
    poll(&entry, 1, 0);
    printf("%x\n", entry.revents);
    SHOW(read(fds[0], text, 1));
    SHOW(write(fds[1], "x", 1) == -1 && errno == EPIPE);
    SHOW(close(fds[1]));
    poll(&entry, 1, 0);
    printf("%x\n", entry.revents);
    SHOW(send(fds[0], "x", 1, MSG_NOSIGNAL));
    struct stat st;
    fstat(fds[0], &st);
    printf("%d\n", S_ISSOCK(st.st_mode));
    SHOW(lseek(fds[0], 0, SEEK_SET));
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, fds) == -1);
    SHOW(socketpair(AF_UNIX, 99, 0, fds) == -1);
    return 0;
}
