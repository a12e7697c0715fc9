#include "../show.h"
#include <ftw.h>
static int count, depth;
static int visit(const char *path, const struct stat *st, int kind, struct FTW *where) {
    count++;
    if (where->level > depth) depth = where->level;
    return remove(path);
}
int main(void) {
    char path[256] = "t";
    mkdir(path, 0700);
    for (int i = 0; i < 10; i++) {
        strcat(path, "/d");
        mkdir(path, 0700);
        char name[300];
        sprintf(name, "%s/f", path);
        make(name, "x");
    }
    SHOW(nftw("t", visit, 20, FTW_DEPTH | FTW_PHYS));
    printf("%d %d\n", count, depth);
    SHOW(access("t", F_OK));
    return 0;
}
