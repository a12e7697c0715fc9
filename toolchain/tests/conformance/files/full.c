//#differs: files lie in the instance's memory, which ends; natively they lie on a disk, which nobody wants to fill
//#hangs: natively
#include "../show.h"
#include <sys/mman.h>
static char block[65536];
static long fill(int fd, size_t size) {
    long total = 0, count;
    while ((count = write(fd, block, size)) > 0) total += count;
    printf("%s\n", strerror(errno));
    return total;
}
int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    char name[32];
    // The library OS makes room for 4,096 nodes at once: this stays below.
    // Most of the memory is taken without being used, so that little is to be filled.
    enum { PART = 16 << 20 };
    void *last = 0, *part;
    while ((part = mmap(0, PART, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED) last = part;
    munmap(last, PART);
    make("kept", "kept");
    mkdir("many", 0755);
    for (int i = 0; i < 3900; i++) sprintf(name, "many/%d", i), make(name, "");
    int fd = open("log", O_RDWR | O_CREAT, 0600), ends[2];
    // To the last page, and to the last byte.
    printf("%d\n", fill(fd, sizeof block) > 1 << 20);
    fill(fd, 512);
    // What goes on must not stop the library OS itself.
    int made = 0;
    for (; made < 3000; made++) {
        sprintf(name, "small%d", made);
        int small = open(name, O_WRONLY | O_CREAT, 0600);
        if (small < 0) break;
        write(small, block, 100);
        close(small);
    }
    printf("%d: %s\n", made < 3000, strerror(errno));
    SHOW(mkdir("directory", 0755));
    SHOW(symlink("kept", "link"));
    SHOW(mkfifo("fifo", 0600));
    SHOW(link("kept", "second"));
    SHOW(pipe(ends));
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], block, sizeof block) > 0) {}
    printf("%d\n", errno == EAGAIN || errno == ENOMEM);
    print_file("kept");
    SHOW(rename("many/0", "many/1"));
    int removed = 0;
    for (int i = 1; i < 3900; i++) sprintf(name, "many/%d", i), removed += !unlink(name);
    SHOW(removed);
    // Room again.
    SHOW(ftruncate(fd, 0));
    make("after", "after");
    print_file("after");
    return 0;
}
