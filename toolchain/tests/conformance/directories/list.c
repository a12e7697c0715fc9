#include "../show.h"
#include <dirent.h>
static int order(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }
int main(void) {
    mkdir("d", 0700), mkdir("d/sub", 0700);
    make("d/file", "");
    symlink("file", "d/link");
    mkfifo("d/fifo", 0600);
    struct dirent **list;
    int count = scandir("d", &list, 0, order);
    for (int i = 0; i < count; i++) printf("%s %d\n", list[i]->d_name, list[i]->d_type);
    DIR *directory = opendir("d");
    int seen = 0;
    while (readdir(directory)) seen++;
    printf("%d\n", seen);
    rewinddir(directory);
    readdir(directory), readdir(directory);
    long place = telldir(directory);
    struct dirent *entry = readdir(directory);
    char name[256];
    strcpy(name, entry->d_name);
    seekdir(directory, place);
    printf("%d\n", strcmp(readdir(directory)->d_name, name));
    WORKS(openat(dirfd(directory), "file", O_RDONLY));
    closedir(directory);
    WORKS((long)(intptr_t)opendir("none") ? 1 : -1);
    return 0;
}
