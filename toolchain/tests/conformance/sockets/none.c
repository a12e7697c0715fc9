// No network, as on a kernel without the protocols.
//#differs: sockets of the network are EAFNOSUPPORT
#include "../show.h"
#include <netinet/in.h>
#include <sys/socket.h>
int main(void) {
    SHOW(socket(AF_INET, SOCK_STREAM, 0) < 0 ? -errno : 0);
    SHOW(socket(AF_INET6, SOCK_DGRAM, 0) < 0 ? -errno : 0);
    SHOW(socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? -errno : 0);
    return 0;
}
