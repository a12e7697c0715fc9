#include "../show.h"
#include <glob.h>
#include <libgen.h>
int main(void) {
    char base[4096], path[4096];
    getcwd(base, sizeof base);
    mkdir("d", 0700), mkdir("d/e", 0700);
    make("d/e/f", "");
    symlink("d/e", "s");
    symlink("../d/e/f", "d/up");
    printf("%s\n", realpath("s/../e/f", path) + strlen(base));
    printf("%s\n", realpath("d/up", path) + strlen(base));
    printf("%s\n", realpath(".//d/./e/", path) + strlen(base));
    SHOW((intptr_t)realpath("d/none", path));
    SHOW((intptr_t)realpath("d/e/f/x", path));
    glob_t found;
    make("d/a.c", ""), make("d/b.c", ""), make("d/c.h", "");
    SHOW(glob("d/*.c", 0, 0, &found));
    for (size_t i = 0; i < found.gl_pathc; i++) puts(found.gl_pathv[i]);
    SHOW(glob("d/*.x", 0, 0, &found));
    return 0;
}
