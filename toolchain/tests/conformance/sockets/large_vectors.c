// Messages larger than what vectors are gathered in, whole.
#include "../show.h"
#include <sys/socket.h>
#include <sys/uio.h>
static char out[200000], in[200000];
static void through(int kind) {
    int s[2];
    socketpair(AF_UNIX, kind, 0, s);
    SHOW(send(s[0], out, 100000, 0));
    memset(in, 0, sizeof in);
    SHOW(readv(s[1], (struct iovec[]){{in, 60000}, {in + 60000, 60000}}, 2));
    SHOW(memcmp(in, out, 100000));
    SHOW(send(s[0], out, 100000, 0));
    SHOW(readv(s[1], (struct iovec[]){{in, 40000}, {in + 40000, 40000}}, 2));
    SHOW(writev(s[0], (struct iovec[]){{out, 70000}, {out, 70000}, {out, 0}}, 3));
    SHOW(readv(s[1], (struct iovec[]){{in, 1}, {in, 199999}}, 2));
    SHOW(readv(s[1], (struct iovec[]){{in, 1}, {in, 0}}, 0));
    close(s[0]), close(s[1]);
}
int main(void) {
    for (int i = 0; i < (int)sizeof out; i++) out[i] = i * 7 + i / 1000;
    through(SOCK_SEQPACKET);
    through(SOCK_DGRAM);
    return 0;
}
