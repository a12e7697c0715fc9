#include "../show.h"
#include <dirent.h>
int main(void) {
    char name[32], seen[2000] = {0};
    mkdir("d", 0700);
    for (int i = 0; i < 2000; i++) {
        sprintf(name, "d/file-%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    DIR *directory = opendir("d");
    struct dirent *entry;
    int count = 0, twice = 0;
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.') continue;
        int number = atoi(entry->d_name + 5);
        twice += seen[number]++;
        count++;
        unlinkat(dirfd(directory), entry->d_name, 0);
    }
    printf("%d %d\n", count, twice);
    closedir(directory);
    SHOW(rmdir("d"));
    return 0;
}
