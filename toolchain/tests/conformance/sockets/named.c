// Sockets of AF_UNIX with names, in a directory and outside.
#include "../show.h"
#include "loopback.h"
#include <stddef.h>
static socklen_t name_it(struct sockaddr_un *name, const char *text, int length) {
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(name->sun_path, text, length);
    return offsetof(struct sockaddr_un, sun_path) + length;
}
int main(void) {
    struct sockaddr_un name, got;
    socklen_t size = name_it(&name, "door", 4), room = sizeof got;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(listen(listener, 1));
    SHOW(bind(listener, (struct sockaddr *)&name, size));
    struct stat st;
    SHOW(stat("door", &st));
    SHOW(S_ISSOCK(st.st_mode));
    SHOW(open("door", O_RDONLY));
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(client, (struct sockaddr *)&name, size));
    SHOW(listen(listener, 0));
    SHOW(connect(client, (struct sockaddr *)&name, size));
    int more = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(more, (struct sockaddr *)&name, size));
    int end = accept(listener, (struct sockaddr *)&got, &room);
    printf("%d\n", (int)room);
    room = sizeof got;
    SHOW(getpeername(client, (struct sockaddr *)&got, &room));
    printf("%d %s\n", (int)room, got.sun_path);
    SHOW(write(client, "in", 2));
    char text[8] = "";
    SHOW(read(end, text, 8));
    SHOW(rename("door", "gate"));
    SHOW(connect(more, (struct sockaddr *)&name, size));
    close(listener);
    size = name_it(&name, "gate", 5);
    SHOW(connect(more, (struct sockaddr *)&name, size));
    SHOW(bind(more, (struct sockaddr *)&name, size));
    SHOW(unlink("gate"));
    SHOW(bind(more, (struct sockaddr *)&name, size));
    SHOW(write(client, "x", 1));
    close(client);
    printf("%x\n", ready(end));
    int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0);
    size = name_it(&name, "\0zvm conformance", 16);
    SHOW(bind(one, (struct sockaddr *)&name, size));
    SHOW(bind(two, (struct sockaddr *)&name, size));
    SHOW(bind(two, (struct sockaddr *)&name, 2));
    SHOW(sendto(two, "hello", 5, 0, (struct sockaddr *)&name, size));
    room = sizeof got;
    SHOW(recvfrom(one, text, 8, 0, (struct sockaddr *)&got, &room));
    printf("%d %d\n", (int)room, got.sun_path[0]);
    SHOW(connect(two, (struct sockaddr *)&name, size));
    close(one);
    SHOW(send(two, "x", 1, 0));
    struct ucred who;
    room = sizeof who;
    SHOW(getsockopt(end, SOL_SOCKET, SO_PEERCRED, &who, &room));
    SHOW(who.pid == getpid() && who.uid == getuid());
    return 0;
}
