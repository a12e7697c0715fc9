#include "../show.h"
int main(void) {
    char bytes[16];
    memset(bytes, 7, 16);
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR), random = open("/dev/urandom", O_RDONLY);
    SHOW(read(null, bytes, 16));
    SHOW(write(null, bytes, 16));
    SHOW(read(zero, bytes, 16));
    printf("%d %d\n", bytes[0], bytes[15]);
    SHOW(write(full, bytes, 16));
    SHOW(read(full, bytes, 16));
    SHOW(read(random, bytes, 16));
    int set = 0;
    for (int i = 0; i < 16; i++) set |= bytes[i];
    printf("%d\n", set != 0);
    SHOW(lseek(null, 5, SEEK_SET));
    SHOW(ftruncate(null, 5));
    SHOW(open("/dev/none", O_RDONLY));
    struct stat st;
    stat("/dev/zero", &st);
    printf("%o\n", st.st_mode);
    // Without a session of its own, a run on a terminal would have one.
    setsid();
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(open("/dev/tty", O_WRONLY | O_CREAT, 0666));
    return 0;
}
