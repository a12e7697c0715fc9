/* What a program in the sandbox sees of the world: its arguments, its environment, and the files that were mounted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int show(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        printf("%s: %s\n", path, strerror(errno));
        return 1;
    }
    char line[256];
    while (fgets(line, sizeof line, file))
        printf("%s: %s", path, line);
    return fclose(file);
}

int main(int argc, char **argv)
{
    const char *greeting = getenv("GREETING");
    for (int i = 1; i < argc; i++)
        printf("%s, %s!\n", greeting ? greeting : "Hello", argv[i]);
    int failed = show("/data/note.txt");
    show("/etc/hostname"); /* the host has it; it is not mounted, so it is not there */
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
