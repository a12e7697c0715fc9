// /proc/self/fd and fdinfo as programs use them.
#include "../show.h"
#include <dirent.h>
#include <limits.h>
int main(void) {
    char here[PATH_MAX], text[PATH_MAX + 20], want[PATH_MAX + 20];
    getcwd(here, sizeof here);
    make("f", "contents");
    int f = open("f", O_RDWR), p[2];
    pipe(p);
    DIR *d = opendir("/proc/self/fd");
    int numbers = 0, others = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        if (atoi(e->d_name) == dirfd(d)) continue;
        strspn(e->d_name, "0123456789") == strlen(e->d_name) ? numbers++ : others++;
    }
    printf("%d %d\n", numbers, others);
    closedir(d);
    char link[40];
    sprintf(link, "/proc/self/fd/%d", f);
    long size = readlink(link, text, sizeof text - 1);
    text[size < 0 ? 0 : size] = 0;
    sprintf(want, "%s/f", here);
    printf("its name: %d\n", !strcmp(text, want));
    int again = open(link, O_RDONLY);
    SHOW(read(again, text, 4));
    SHOW(lseek(f, 0, SEEK_CUR));
    unlink("f");
    sprintf(link, "/proc/self/fd/%d", p[0]);
    size = readlink(link, text, sizeof text - 1);
    text[size < 0 ? 0 : size] = 0;
    printf("a pipe: %d\n", !strncmp(text, "pipe:[", 6));
    struct stat s;
    SHOW(stat(link, &s));
    printf("%d\n", S_ISFIFO(s.st_mode) != 0);
    SHOW(lstat(link, &s));
    printf("%d\n", S_ISLNK(s.st_mode) != 0);
    SHOW(readlink("/proc/self/fd/77", text, 10));
    SHOW(readlink("/proc/self/fd/x", text, 10));
    return 0;
}
