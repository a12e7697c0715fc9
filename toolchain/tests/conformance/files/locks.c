#include "../show.h"
#include <sys/file.h>
int main(void) {
    make("a", "x");
    int one = open("a", O_RDWR), two = open("a", O_RDWR), reader = open("a", O_RDONLY);
    SHOW(flock(one, LOCK_EX));
    SHOW(flock(two, LOCK_EX | LOCK_NB));
    SHOW(flock(one, LOCK_SH));
    SHOW(flock(two, LOCK_SH | LOCK_NB));
    SHOW(flock(one, LOCK_EX | LOCK_NB));
    SHOW(flock(two, LOCK_UN));
    SHOW(flock(one, LOCK_EX | LOCK_NB));
    close(one);
    SHOW(flock(two, LOCK_EX | LOCK_NB));
    SHOW(flock(99, LOCK_EX));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    SHOW(fcntl(two, F_SETLK, &lock));
    SHOW(fcntl(two, F_GETLK, &lock));
    printf("%d\n", lock.l_type == F_UNLCK);
    lock.l_type = F_WRLCK;
    SHOW(fcntl(reader, F_SETLK, &lock));
    lock.l_type = F_UNLCK;
    SHOW(fcntl(two, F_SETLKW, &lock));
    SHOW(lockf(two, F_TLOCK, 0));
    return 0;
}
