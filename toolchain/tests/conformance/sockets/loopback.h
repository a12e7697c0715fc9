// Addresses of this machine.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
static inline struct sockaddr_in local(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}
// The port that a socket was given.
static inline int port_of(int fd) {
    struct sockaddr_in name = {0};
    socklen_t size = sizeof name;
    getsockname(fd, (struct sockaddr *)&name, &size);
    return ntohs(name.sin_port);
}
static inline int bound(int type) {
    int fd = socket(AF_INET, type, 0);
    struct sockaddr_in name = local(0);
    if (bind(fd, (struct sockaddr *)&name, sizeof name)) perror("bind");
    return fd;
}
static inline int dial(int fd, int port) {
    struct sockaddr_in name = local(port);
    return connect(fd, (struct sockaddr *)&name, sizeof name);
}
// What poll says of a descriptor at once.
static inline int ready(int fd) {
    struct pollfd entry = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&entry, 1, 0);
    return entry.revents;
}
