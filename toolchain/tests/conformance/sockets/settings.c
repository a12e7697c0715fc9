// Options, wrong arguments, and who may have which port.
#include "../show.h"
#include "loopback.h"
#include <netinet/tcp.h>
static void option(int fd, int level, int name) {
    int value = 1;
    socklen_t size = sizeof value;
    int set = setsockopt(fd, level, name, &value, sizeof value) ? errno : 0;
    value = -1;
    int got = getsockopt(fd, level, name, &value, &size) ? errno : 0;
    printf("%d/%d: %d %d %d %d\n", level, name, set, got, value, (int)size);
}
int main(void) {
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), local_one = socket(AF_UNIX, SOCK_STREAM, 0);
    int fds[] = {tcp, udp, local_one};
    for (int i = 0; i < 3; i++) {
        option(fds[i], SOL_SOCKET, SO_REUSEADDR);
        option(fds[i], SOL_SOCKET, SO_KEEPALIVE);
        option(fds[i], SOL_SOCKET, SO_TYPE);
        option(fds[i], SOL_SOCKET, SO_DOMAIN);
        option(fds[i], SOL_SOCKET, SO_PROTOCOL);
        option(fds[i], SOL_SOCKET, SO_ACCEPTCONN);
        option(fds[i], SOL_SOCKET, SO_RCVBUF);
        // What AF_UNIX says of TCP differs from kernel to kernel.
        if (i < 2) option(fds[i], IPPROTO_TCP, TCP_NODELAY);
        option(fds[i], SOL_SOCKET, 9999);
    }
    struct linger linger = {1, 5};
    socklen_t size = sizeof linger;
    SHOW(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    SHOW(getsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, &size));
    printf("%d %d %d\n", linger.l_onoff, linger.l_linger, (int)size);
    SHOW(setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &linger, 2));
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(AF_INET, 77, 0));
    SHOW(socket(77, SOCK_STREAM, 0));
    struct sockaddr_in name = local(0), outside = local(0);
    outside.sin_addr.s_addr = htonl(0xC0000201);
    SHOW(bind(tcp, (struct sockaddr *)&outside, sizeof outside));
    SHOW(bind(tcp, (struct sockaddr *)&name, 8));
    SHOW(bind(tcp, (struct sockaddr *)&name, sizeof name));
    SHOW(listen(udp, 1));
    SHOW(listen(tcp, 1));
    name = local(port_of(tcp));
    int rival = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(bind(rival, (struct sockaddr *)&name, sizeof name));
    int on = 1;
    setsockopt(rival, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    SHOW(bind(rival, (struct sockaddr *)&name, sizeof name));
    // Another protocol, or another address.
    SHOW(bind(udp, (struct sockaddr *)&name, sizeof name));
    name.sin_addr.s_addr = htonl(0x7f000002);
    SHOW(bind(rival, (struct sockaddr *)&name, sizeof name));
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = name.sin_port};
    int both = socket(AF_INET6, SOCK_STREAM, 0);
    SHOW(bind(both, (struct sockaddr *)&six, sizeof six));
    setsockopt(both, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    SHOW(bind(both, (struct sockaddr *)&six, sizeof six));
    return 0;
}
