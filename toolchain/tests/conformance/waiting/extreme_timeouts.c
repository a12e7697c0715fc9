// Timeouts of any size and sign: what is refused, and what waits until a signal comes.
#include "../show.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

static void handle(int number) {}

static void soon(void) {
    struct itimerval timer = {{0, 0}, {0, 1000}};
    setitimer(ITIMER_REAL, &timer, 0);
}

static const long SECONDS[] = {0, -1, 1L << 60, INT64_MAX, INT64_MIN, INT64_MAX / 1000000000, INT64_MAX / 1000000000 + 1,
                               18446744073, 18446744074, 4294967296};
static const long PARTS[] = {0, 999999999, 1000000000, -1, -1000000, INT64_MAX, INT64_MIN};

#define TRY(what, call)                                                                  \
    do {                                                                                 \
        soon();                                                                          \
        errno = 0;                                                                       \
        long result_ = (call);                                                           \
        printf("%s %ld %ld: %ld %s\n", what, seconds, part, result_, result_ ? strerror(errno) : ""); \
    } while (0)

static void all(long seconds, long part) {
    // What ends by itself would take its time.
    int is_short = seconds == 0 && part >= 0 && part < 1000000000 || seconds == 0 && part == 1000000000;
    if (is_short && part) return;
    struct timespec time = {seconds, part};
    struct timeval micros = {seconds, part};
    sigset_t none;
    sigemptyset(&none);
    int word = 0;
    TRY("nanosleep", syscall(SYS_nanosleep, &time, 0));
    TRY("clock_nanosleep", syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, 0));
    TRY("clock_nanosleep until", syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &time, 0));
    TRY("futex", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, 0, 0));
    TRY("futex until", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &time, 0, -1));
    TRY("futex without a wait", syscall(SYS_futex, &word, FUTEX_WAIT, 1, &time, 0, 0));
    TRY("sigtimedwait", syscall(SYS_rt_sigtimedwait, &none, 0, &time, 8));
    struct timespec copy = time;
    TRY("ppoll", syscall(SYS_ppoll, 0, 0, &copy, 0, 8));
    copy = time;
    TRY("pselect", syscall(SYS_pselect6, 0, 0, 0, 0, &copy, 0));
    TRY("select", syscall(SYS_select, 0, 0, 0, 0, &micros));
}

int main(void) {
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGALRM, &action, 0);
    for (int i = 0; i < sizeof SECONDS / sizeof *SECONDS; i++)
        for (int j = 0; j < sizeof PARTS / sizeof *PARTS; j++) all(SECONDS[i], PARTS[j]);
    static const int MILLISECONDS[] = {0, -1, INT32_MIN, INT32_MAX};
    int poller = epoll_create1(0);
    struct epoll_event event[2];
    for (int i = 0; i < 4; i++) {
        long seconds = MILLISECONDS[i], part = 0;
        TRY("poll", poll(0, 0, seconds));
        TRY("epoll", epoll_wait(poller, event, 2, seconds));
    }
    SHOW(epoll_wait(poller, event, 0, 0));
    SHOW(epoll_wait(poller, event, -1, 0));
    SHOW(epoll_wait(poller, event, INT32_MAX, 0));
    SHOW(epoll_wait(poller, event, INT32_MAX / 12 + 1, 0));
    return 0;
}
