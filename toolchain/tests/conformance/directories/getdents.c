// getdents64 itself: records, small buffers, positions, and what is no directory.
#include "../show.h"
#include <dirent.h>
struct entry { uint64_t ino; int64_t off; unsigned short size; unsigned char type; char name[]; };
static int each(int fd, char *names, unsigned room) {
    char buffer[4096];
    long size = syscall(SYS_getdents64, fd, buffer, room);
    if (size < 0) return printf("%s\n", strerror(errno)), -1;
    int count = 0;
    for (long at = 0; at < size;) {
        struct entry *entry = (void *)(buffer + at);
        if (entry->size % 8 || entry->ino == 0) printf("bad record\n");
        names[strlen(entry->name)]++;
        at += entry->size;
        count++;
    }
    return count;
}
int main(void) {
    mkdir("d", 0755);
    char name[64] = "d/";
    for (int i = 1; i <= 20; i++) {
        name[1 + i] = 'x';
        make(name, "");
    }
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    char seen[64] = {0};
    int total = 0, count;
    while ((count = each(fd, seen, 100)) > 0) total += count;
    SHOW(total);
    for (int i = 1; i <= 20; i++) printf("%d", seen[i]);
    printf("\n");
    SHOW(each(fd, seen, 4096));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(each(fd, seen, 4096));
    SHOW(lseek(fd, 0, SEEK_SET));
    each(fd, seen, 10);
    int file = open("d/x", O_RDONLY);
    each(file, seen, 4096);
    each(99, seen, 4096);
    SHOW(syscall(SYS_getdents64, fd, 8, 4096));
    rmdir("d");
    return 0;
}
