#include "../show.h"
int main(void) {
    char name[] = "fileXXXXXX", folder[] = "dirXXXXXX", bad[] = "fileXX", suffix[] = "aXXXXXX.c";
    int fd = mkstemp(name);
    WORKS(fd);
    printf("%d\n", !strncmp(name, "file", 4) && strcmp(name, "fileXXXXXX"));
    struct stat st;
    stat(name, &st);
    printf("%o\n", st.st_mode);
    printf("%d\n", mkdtemp(folder) == folder);
    stat(folder, &st);
    printf("%o\n", st.st_mode);
    SHOW(mkstemp(bad));
    WORKS(mkstemps(suffix, 2));
    printf("%s\n", suffix + strlen(suffix) - 2);
    return 0;
}
