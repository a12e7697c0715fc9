// Beyond this machine there is nothing, and families that nobody speaks are unknown.
//#differs: there is no network but the one inside the instance
#include "../show.h"
#include "loopback.h"
int main(void) {
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in four = local(80);
    four.sin_addr.s_addr = htonl(0xC0000201);
    SHOW(connect(tcp, (struct sockaddr *)&four, sizeof four));
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr.s6_addr = {0x20, 0x01, 0x0d, 0xb8}};
    SHOW(sendto(udp, "x", 1, 0, (struct sockaddr *)&six, sizeof six));
    SHOW(socket(AF_NETLINK, SOCK_RAW, 0));
    SHOW(socket(AF_PACKET, SOCK_RAW, 0));
    SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    return 0;
}
