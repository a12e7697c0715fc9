#include "../show.h"
int main(void) {
    int fds[2];
    char text[16] = "";
    SHOW(pipe(fds));
    SHOW(write(fds[1], "hello", 5));
    SHOW(read(fds[0], text, 3));
    SHOW(read(fds[0], text + 3, 10));
    puts(text);
    SHOW(write(fds[0], "x", 1));
    SHOW(read(fds[1], text, 1));
    SHOW(lseek(fds[0], 0, SEEK_CUR));
    SHOW(pread(fds[0], text, 1, 0));
    struct stat st;
    fstat(fds[0], &st);
    printf("%d\n", S_ISFIFO(st.st_mode));
    close(fds[1]);
    SHOW(read(fds[0], text, 1));
    SHOW(pipe2(fds, O_CLOEXEC | O_NONBLOCK));
    SHOW(fcntl(fds[0], F_GETFD));
    SHOW(read(fds[0], text, 1));
    SHOW(pipe2(fds, 1));
    return 0;
}
