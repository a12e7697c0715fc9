// Directories with S_ISGID, what chown does to it, and times that are left as they are.
#include "../show.h"
static void show(const char *name) {
    struct stat st;
    lstat(name, &st);
    printf("%s %o %d\n", name, st.st_mode, (int)st.st_gid);
}
int main(void) {
    if (geteuid()) return puts("only for root"), 0;
    umask(022);
    mkdir("d", 0755), chown("d", 0, 77), chmod("d", 02755);
    mkdir("d/below", 0755), make("d/file", ""), symlink("x", "d/link"), mkfifo("d/fifo", 0600);
    mkdir("d/below/more", 0700);
    show("d"), show("d/below"), show("d/file"), show("d/link"), show("d/fifo"), show("d/below/more");
    make("f", "");
    chmod("f", 02644), chown("f", 0, 0), show("f");
    chmod("f", 06755), chown("f", 0, 5), show("f");
    chmod("f", 06644), chown("f", -1, -1), show("f");
    struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    struct stat before, after;
    stat("f", &before);
    usleep(20000);
    SHOW(utimensat(AT_FDCWD, "f", omit, 0));
    SHOW(utimensat(AT_FDCWD, "missing", omit, 0));
    stat("f", &after);
    SHOW(memcmp(&before.st_ctim, &after.st_ctim, sizeof before.st_ctim));
    make("t", "text");
    WORKS(open("t", O_RDONLY | O_TRUNC));
    print_file("t");
    return 0;
}
