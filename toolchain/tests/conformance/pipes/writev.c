#include "../show.h"
#include <sys/uio.h>
int main(void) {
    int fds[2];
    pipe(fds);
    struct iovec out[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
    SHOW(writev(fds[1], out, 3));
    char a[6] = "", b[20] = "";
    struct iovec in[2] = {{a, 5}, {b, 19}};
    SHOW(readv(fds[0], in, 2));
    printf("%s|%s\n", a, b);
    return 0;
}
