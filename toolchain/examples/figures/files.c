// One kind of file work, as often as it is told; the folder is given.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char block[65536];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int file(const char *name, int flags) {
    int fd = open(name, flags, 0644);
    if (fd < 0) fail(name);
    return fd;
}

// 16 MiB that is written again and again.
static void write_blocks(long count) {
    int fd = file("data", O_RDWR | O_CREAT | O_TRUNC);
    for (long i = 0; i < count; i++)
        if (pwrite(fd, block, sizeof block, i % 256 * sizeof block) != sizeof block) fail("pwrite");
    close(fd);
}

static void read_blocks(long count) {
    write_blocks(256);
    int fd = file("data", O_RDONLY);
    for (long i = 0; i < count; i++)
        if (pread(fd, block, sizeof block, i % 256 * sizeof block) != sizeof block) fail("pread");
    close(fd);
}

static void make_files(int count) {
    char name[32];
    for (int i = 0; i < count; i++) {
        sprintf(name, "f%d", i);
        close(file(name, O_WRONLY | O_CREAT));
    }
}

static void stat_files(long count) {
    struct stat st;
    char name[32];
    make_files(100);
    for (long i = 0; i < count; i++) {
        sprintf(name, "./f%d", (int)(i % 100));
        if (stat(name, &st)) fail("stat");
    }
}

static void list(long count) {
    make_files(100);
    for (long i = 0; i < count; i++) {
        DIR *dir = opendir(".");
        if (!dir) fail("opendir");
        int entries = 0;
        while (readdir(dir)) entries++;
        closedir(dir);
        if (entries < 100) fail("readdir");
    }
}

static void small(long count) {
    for (long i = 0; i < count; i++) {
        int fd = file("small", O_RDWR | O_CREAT | O_EXCL);
        if (write(fd, block, 100) != 100) fail("write");
        close(fd);
        if (unlink("small")) fail("unlink");
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*work)(long);
    } works[] = {{"write", write_blocks}, {"read", read_blocks}, {"stat", stat_files}, {"readdir", list}, {"small", small}};
    if (argc != 4 || chdir(argv[3])) return 2;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (!strcmp(works[i].name, argv[1])) {
            works[i].work(atol(argv[2]));
            return 0;
        }
    return 2;
}
