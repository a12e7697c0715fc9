// glob over a tree, with its flags.
#include "../show.h"
#include <glob.h>
static void look(const char *pattern, int flags) {
    glob_t g;
    int result = glob(pattern, flags, 0, &g);
    printf("%s %x: %d", pattern, flags, result);
    if (!result) {
        for (size_t i = 0; i < g.gl_pathc; i++) printf(" %s", g.gl_pathv[i]);
        globfree(&g);
    }
    puts("");
}
int main(void) {
    mkdir("src", 0755), mkdir("src/sub", 0755), mkdir("doc", 0755);
    make("src/a.c", ""), make("src/b.c", ""), make("src/b.h", ""), make("src/.hidden.c", ""), make("src/sub/c.c", ""), make("a[1].txt", ""), make("doc/x y", "");
    look("src/*.c", 0), look("src/*", GLOB_MARK), look("*/*.c", 0), look("*/*/*", 0), look("src/?.[ch]", 0), look("src/[!a].*", 0);
    look("src/.*c", 0), look("nothing*", 0), look("nothing*", GLOB_NOCHECK), look("a\\[1\\].txt", 0), look("a[[]1].txt", 0), look("doc/x*", 0);
    look("src/sub/../*.h", 0), look("*", GLOB_MARK), look("src//a.c", 0), look("[", 0), look("src/*.c/", 0);
    glob_t g = {.gl_offs = 2};
    SHOW(glob("*/b.*", GLOB_DOOFFS, 0, &g));
    SHOW(glob("*/a.*", GLOB_DOOFFS | GLOB_APPEND, 0, &g));
    printf("%zu %d %s %s %s\n", g.gl_pathc, g.gl_pathv[0] == 0, g.gl_pathv[2], g.gl_pathv[3], g.gl_pathv[4]);
    globfree(&g);
    return 0;
}
