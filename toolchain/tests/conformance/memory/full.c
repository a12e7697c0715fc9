#include "../show.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
// Where memory is full, what needs more of it fails, or works; the program goes on.
enum { PAGE = 4096, MAPS = 2048 };
static char *maps[MAPS], path[4000];
int main(void) {
    // Native processes have more: the limit makes them alike.
    struct rlimit limit = {1 << 28, 1 << 28};
    setrlimit(RLIMIT_AS, &limit);
    setvbuf(stdout, 0, _IONBF, 0);
    int fd = open("file", O_RDWR | O_CREAT, 0600), count;
    SHOW(ftruncate(fd, 3 * PAGE));
    for (int i = 0; i < MAPS; i++) maps[i] = mmap(0, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    SHOW(maps[MAPS - 1] != MAP_FAILED);
    struct flock lock = {F_WRLCK, SEEK_SET, 0, 1, 0};
    for (int i = 0; i < 3000; i++) lock.l_start = 2 * i, fcntl(fd, F_SETLK, &lock);
    for (int i = 0; i < 14; i++) {
        char *end = path + strlen(path);
        memset(end, 'n', 250);
        mkdir(path, 0700);
        strcat(path, "/");
    }
    strcat(path, "f");
    make(path, "x");
    for (size_t size = 1 << 26; size >= PAGE;)
        if (mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) size /= 2;
    for (count = 0; count < MAPS && !munmap(maps[count] + PAGE, PAGE); count++)
        mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("unmapped %d\n", count == MAPS || errno == ENOMEM);
    // The middle of a lock, and one more.
    lock.l_start = 100000, lock.l_len = 1000;
    fcntl(fd, F_SETLK, &lock);
    lock.l_len = 1;
    for (count = 0; count < 3000; count++) {
        lock.l_type = F_WRLCK, lock.l_start = 7000 + 2 * count;
        if (fcntl(fd, F_SETLK, &lock)) break;
        lock.l_type = F_UNLCK, lock.l_start = 100001 + 2 * (count % 400);
        if (fcntl(fd, F_SETLK, &lock)) break;
    }
    printf("locked %d\n", count == 3000 || errno == ENOLCK);
    for (count = 0; count < 1000 && open(path, O_RDONLY) >= 0; count++) {}
    printf("opened %d\n", count == 1000 || errno == ENOMEM || errno == EMFILE);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    for (count = 0; count < 2000 && !timer_create(CLOCK_MONOTONIC, &event, &timer); count++) {}
    printf("timers %d\n", count == 2000 || errno == EAGAIN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, 0);
    for (count = 0; count < 3000 && !sigqueue(getpid(), SIGRTMIN, (union sigval){0}); count++) {}
    printf("queued %d\n", count == 3000 || errno == EAGAIN);
    // An ordinary signal arrives in any case.
    SHOW(kill(getpid(), SIGUSR1));
    sigset_t one;
    sigemptyset(&one), sigaddset(&one, SIGUSR1);
    printf("%d\n", sigwaitinfo(&one, 0) == SIGUSR1);
    return 0;
}
