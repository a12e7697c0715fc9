#include "../show.h"
int main(void) {
    make("a", "0123456789");
    int one = open("a", O_RDWR), two = open("a", O_RDWR);
    struct flock low = {.l_type = F_WRLCK, .l_start = 0, .l_len = 5}, high = {.l_type = F_WRLCK, .l_start = 5, .l_len = 5};
    struct flock all = {.l_type = F_RDLCK}, ask = {.l_type = F_WRLCK};
    SHOW(fcntl(one, F_OFD_SETLK, &low));
    SHOW(fcntl(two, F_OFD_SETLK, &low));
    SHOW(fcntl(two, F_OFD_SETLK, &high));
    SHOW(fcntl(two, F_OFD_GETLK, &ask));
    printf("%d %ld %ld\n", ask.l_type, (long)ask.l_start, (long)ask.l_len);
    SHOW(fcntl(one, F_OFD_SETLK, &all));
    low.l_type = F_UNLCK;
    SHOW(fcntl(one, F_OFD_SETLK, &low));
    SHOW(fcntl(two, F_OFD_SETLK, &all));
    close(two);
    SHOW(fcntl(one, F_OFD_SETLK, &all));
    return 0;
}
