#include "../show.h"
#include <sys/epoll.h>
static int ep;
static void show(int timeout) {
    struct epoll_event events[8];
    int count = epoll_wait(ep, events, 8, timeout);
    printf("%d:", count);
    for (int i = 0; i < count; i++) printf(" %d/%x", (int)events[i].data.u64, events[i].events);
    putchar('\n');
}
int main(void) {
    int a[2], b[2];
    pipe(a), pipe(b);
    ep = epoll_create1(EPOLL_CLOEXEC);
    WORKS(ep);
    struct epoll_event event = {EPOLLIN, {.u64 = 1}};
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, a[0], &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, a[0], &event));
    event = (struct epoll_event){EPOLLIN | EPOLLET, {.u64 = 2}};
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, b[0], &event));
    show(0);
    write(a[1], "x", 1), write(b[1], "x", 1);
    show(-1);
    show(-1);
    write(b[1], "y", 1);
    show(0);
    read(a[0], (char[1]){0}, 1);
    show(0);
    event = (struct epoll_event){EPOLLOUT | EPOLLONESHOT, {.u64 = 3}};
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, a[1], &event));
    show(0);
    show(0);
    SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, a[1], &event));
    show(0);
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, a[0], 0));
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, a[0], 0));
    close(b[1]);
    show(5);
    close(b[0]);
    show(5);
    make("f", "");
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, open("f", O_RDONLY), &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &event));
    SHOW(epoll_ctl(a[0], EPOLL_CTL_ADD, a[1], &event));
    SHOW(epoll_wait(ep, &event, 0, 0));
    SHOW(epoll_create(0));
    return 0;
}
