// Ordinary socket code: what the first argument says, with a peer at the host and port of the two others.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *host, *port;

static void fail(const char *what) {
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

// A socket, and where it is to connect to.
static int prepare(int flags, struct addrinfo **found) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    int problem = getaddrinfo(host, port, &hints, found);
    if (problem) {
        printf("getaddrinfo: %s\n", gai_strerror(problem));
        exit(1);
    }
    return socket(AF_INET, SOCK_STREAM | flags, 0);
}

static int dial(void) {
    struct addrinfo *found;
    int fd = prepare(0, &found);
    if (connect(fd, found->ai_addr, found->ai_addrlen)) fail("connect");
    freeaddrinfo(found);
    return fd;
}

static void put(int fd, const char *text) {
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (long)strlen(text)) fail("send");
}

// A line, without its end.
static void get_line(int fd, char *line) {
    for (;; line++) {
        long got = recv(fd, line, 1, 0);
        if (got < 0) fail("recv");
        if (got == 0 || *line == '\n') break;
    }
    *line = 0;
}

// The peer answers a line, and closes.
static void ask(void) {
    int fd = dial(), value = 1;
    socklen_t size = sizeof value;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value)) fail("setsockopt");
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size)) fail("getsockopt");
    printf("error %d\n", value);
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size);
    printf("stream %d\n", value == SOCK_STREAM);
    struct sockaddr_in name = {0};
    size = sizeof name;
    if (getpeername(fd, (struct sockaddr *)&name, &size)) fail("getpeername");
    printf("its port %d\n", ntohs(name.sin_port) == atoi(port));
    size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size)) fail("getsockname");
    printf("a port %d\n", name.sin_port != 0);
    put(fd, "a question\n");
    char text[100];
    long got = recv(fd, text, 3, MSG_WAITALL | MSG_PEEK);
    printf("peeked %.*s\n", (int)got, text);
    FILE *file = fdopen(fd, "r+");
    while (fgets(text, sizeof text, file)) printf("got %s", text);
    printf("the end %d\n", feof(file) != 0);
    fclose(file);
}

// What is sent comes back when this end has said that it is all.
static void half(void) {
    int fd = dial();
    put(fd, "one ");
    put(fd, "two");
    if (shutdown(fd, SHUT_WR)) fail("shutdown");
    long result = send(fd, "x", 1, MSG_NOSIGNAL);
    printf("send %ld %s\n", result, strerror(errno));
    char text[100];
    long got = recv(fd, text, 7, MSG_WAITALL), more = recv(fd, text + 7, 1, 0);
    printf("%ld %.*s %ld\n", got, (int)got, text, more);
    struct pollfd entry = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&entry, 1, 0);
    printf("ready for %x\n", entry.revents);
}

// A large answer, as it comes, to who never waits in a read.
static void flood(void) {
    struct addrinfo *found;
    int fd = prepare(SOCK_NONBLOCK, &found);
    if (connect(fd, found->ai_addr, found->ai_addrlen) && errno != EINPROGRESS) fail("connect");
    struct pollfd entry = {fd, POLLOUT, 0};
    if (poll(&entry, 1, -1) != 1) fail("poll");
    int error = 1, again = 0;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    printf("connected %d\n", error == 0);
    put(fd, "flood\n");
    unsigned long total = 0, sum = 0;
    static unsigned char bytes[100000];
    for (;;) {
        long got = recv(fd, bytes, sizeof bytes, 0);
        if (got == 0) break;
        if (got < 0 && errno == EAGAIN) {
            again = 1;
            entry.events = POLLIN;
            if (poll(&entry, 1, 10000) != 1) fail("poll");
            continue;
        }
        if (got < 0) fail("recv");
        for (long i = 0; i < got; i++) sum = sum * 31 + bytes[i];
        total += got;
    }
    printf("%lu bytes, %lu, waited %d\n", total, sum, again);
}

// Two connections: the peer answers the first when it has heard the second, and the other way round.
static void cross(void) {
    int first = dial(), second = dial(), epoll = epoll_create1(0);
    for (int i = 0; i < 2; i++) {
        int fd = i ? second : first;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        put(fd, i ? "second\n" : "first\n");
    }
    int left = 2;
    char lines[2][100] = {{0}};
    while (left) {
        struct epoll_event events[2];
        int count = epoll_wait(epoll, events, 2, 10000);
        if (count <= 0) fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            char *line = lines[fd == second];
            long got;
            while ((got = recv(fd, line + strlen(line), 50, 0)) > 0) continue;
            if (got == 0) left--;
            else if (errno != EAGAIN) fail("recv");
        }
    }
    printf("%s%s", lines[0], lines[1]);
}

static char heard[2][100];

static void *talk(void *number) {
    int which = *(int *)number, fd = dial();
    char line[100];
    sprintf(line, "thread %d\n", which);
    put(fd, line);
    get_line(fd, heard[which]);
    close(fd);
    return 0;
}

// Two threads, each in a read that waits; the peer answers when it has heard both.
static void threads(void) {
    pthread_t ids[2];
    int numbers[2] = {0, 1};
    for (int i = 0; i < 2; i++) pthread_create(&ids[i], 0, talk, &numbers[i]);
    for (int i = 0; i < 2; i++) pthread_join(ids[i], 0);
    printf("%d %d\n", strncmp(heard[0], "heard", 5), strncmp(heard[1], "heard", 5));
}

static void *later(void *fd) {
    sleep(1);
    write(*(int *)fd, "x", 1);
    return 0;
}

// select over a pipe that another thread writes, and a connection that says nothing until asked.
static void both(void) {
    int fd = dial(), ends[2];
    pipe(ends);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval limit = {5, 0};
    pthread_t id;
    pthread_create(&id, 0, later, &ends[1]);
    printf("select %d\n", select(ends[0] + 1, &set, 0, 0, &limit));
    printf("pipe %d\n", FD_ISSET(ends[0], &set) != 0);
    pthread_join(id, 0);
    put(fd, "now\n");
    FD_ZERO(&set);
    FD_SET(fd, &set);
    printf("select %d\n", select(fd + 1, &set, 0, 0, 0));
    int waiting = 0;
    ioctl(fd, FIONREAD, &waiting);
    printf("waiting %d\n", waiting > 0);
    char line[100];
    get_line(fd, line);
    puts(line);
}

// A server of two connections.
static void serve(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    if (bind(listener, (struct sockaddr *)&name, sizeof name)) fail("bind");
    if (listen(listener, 5)) fail("listen");
    for (int i = 0; i < 2; i++) {
        struct pollfd entry = {listener, POLLIN, 0};
        if (poll(&entry, 1, -1) != 1) fail("poll");
        socklen_t size = sizeof name;
        int fd = accept(listener, (struct sockaddr *)&name, &size);
        if (fd < 0) fail("accept");
        printf("family %d\n", name.sin_family == AF_INET);
        char line[100], answer[120];
        get_line(fd, line);
        sprintf(answer, "you said %s\n", line);
        put(fd, answer);
        puts(line);
        close(fd);
    }
}

// The peer hangs up hard.
static void reset(void) {
    int fd = dial();
    put(fd, "reset\n");
    char byte;
    long got = recv(fd, &byte, 1, 0);
    printf("recv %ld %s\n", got, strerror(errno));
    printf("recv %ld\n", (long)recv(fd, &byte, 1, 0));
    long sent = send(fd, "x", 1, MSG_NOSIGNAL);
    printf("send %ld %s\n", sent, strerror(errno));
}

// What cannot be reached. In the sandbox only: natively it is another network.
static void nothing(void) {
    const char *addresses[] = {host, "192.0.2.1"};
    for (int i = 0; i < 2; i++) {
        struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
        if (getaddrinfo(addresses[i], "9", &hints, &found)) fail("getaddrinfo");
        int result = connect(socket(AF_INET, SOCK_STREAM, 0), found->ai_addr, found->ai_addrlen);
        printf("%s: %s\n", addresses[i], result ? strerror(errno) : "connected");
    }
    int fd = dial();
    struct pollfd entry = {fd, POLLIN, 0};
    printf("poll %d\n", poll(&entry, 1, 100));
    struct addrinfo *found;
    int second = prepare(0, &found);
    int result = connect(second, found->ai_addr, found->ai_addrlen);
    printf("once more: %s\n", result ? strerror(errno) : "connected");
    put(fd, "done\n");
}

// Ports by their names.
static void names(void) {
    for (const char **name = (const char *[]){"http", "https", "domain", "ntp", 0}; *name; name++) {
        struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = !strcmp(*name, "ntp") ? SOCK_DGRAM : SOCK_STREAM};
        struct addrinfo *found;
        int problem = getaddrinfo("localhost", *name, &hints, &found);
        if (problem)
            printf("%s: %s\n", *name, gai_strerror(problem));
        else
            printf("%s %d\n", *name, ntohs(((struct sockaddr_in *)found->ai_addr)->sin_port));
    }
    struct servent *entry = getservbyname("smtp", "tcp");
    printf("smtp %d\n", entry ? ntohs(entry->s_port) : -1);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    setvbuf(stdout, 0, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    host = argv[2];
    port = argv[3];
    struct {
        const char *name;
        void (*run)(void);
    } all[] = {{"ask", ask}, {"half", half}, {"flood", flood}, {"cross", cross}, {"threads", threads},
               {"both", both}, {"serve", serve}, {"reset", reset}, {"nothing", nothing}, {"names", names}};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(argv[1], all[i].name)) all[i].run();
    return 0;
}
