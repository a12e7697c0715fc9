// telldir, seekdir, rewinddir; entries that come and go meanwhile.
#include "../show.h"
#include <dirent.h>
static int order(const void *a, const void *b) { return strcmp(a, b); }
int main(void) {
    char name[20], names[40][20];
    mkdir("d", 0755), chdir("d");
    for (int i = 0; i < 30; i++) sprintf(name, "file%02d", i), make(name, "");
    DIR *d = opendir(".");
    long places[40], count = 0;
    struct dirent *e;
    for (; places[count] = telldir(d), (e = readdir(d)); count++) strcpy(names[count], e->d_name);
    printf("%ld entries\n", count);
    int same = 1;
    for (long i = count - 1; i >= 0; i -= 7) {
        seekdir(d, places[i]);
        e = readdir(d);
        same &= e && !strcmp(e->d_name, names[i]);
    }
    printf("seekdir finds them: %d\n", same);
    seekdir(d, places[count]);
    printf("at the end: %d\n", readdir(d) == 0);
    rewinddir(d);
    long again = 0;
    while ((e = readdir(d))) {
        again++;
        if (e->d_name[0] == 'f') unlink(e->d_name);
    }
    printf("%ld while they were removed\n", again);
    rewinddir(d);
    again = 0;
    while (readdir(d)) again++;
    printf("%ld are left\n", again);
    make("late", "");
    rewinddir(d);
    again = 0;
    while ((e = readdir(d))) strcpy(names[again++], e->d_name);
    qsort(names, again, sizeof names[0], order);
    for (long i = 0; i < again; i++) puts(names[i]);
    chdir(".."), unlink("d/late"), rmdir("d");
    rewinddir(d);
    errno = 0;
    printf("of a removed directory: %d %s\n", readdir(d) == 0, strerror(errno));
    SHOW(closedir(d));
    SHOW(opendir("d") != 0);
    make("f", "");
    SHOW(opendir("f") != 0);
    return 0;
}
