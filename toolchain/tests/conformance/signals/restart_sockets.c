// Which calls go on after a handler with SA_RESTART: accept and kin do, but not where a timeout is set.
#include "../show.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static int listener, client;
static struct sockaddr_in address = {.sin_family = AF_INET};
static socklen_t size = sizeof address;
static volatile int fired;

// The first time it only interrupts; the second time it lets the call end.
static void handle(int number) {
    if (++fired % 2 == 0 && client >= 0) {
        close(client);
        client = socket(AF_INET, SOCK_STREAM, 0);
        connect(client, (void *)&address, size);
    }
}

static void often(long micros) {
    struct itimerval timer = {{0, micros}, {0, micros}};
    fired = 0;
    setitimer(ITIMER_REAL, &timer, 0);
}

int main(void) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, 0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener, (void *)&address, size);
    listen(listener, 5);
    getsockname(listener, (void *)&address, &size);
    often(5000);
    WORKS(accept(listener, 0, 0));
    printf("%d\n", fired);
    often(5000);
    WORKS(accept4(listener, 0, 0, SOCK_CLOEXEC));
    printf("%d\n", fired);
    client = -1;
    struct timeval long_time = {100, 0};
    SHOW(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof long_time));
    often(5000);
    SHOW(accept(listener, 0, 0));
    int ends[2];
    char byte;
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    SHOW(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof long_time));
    SHOW(recv(ends[0], &byte, 1, 0));
    SHOW(read(ends[0], &byte, 1));
    return 0;
}
