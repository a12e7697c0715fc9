//#args: one two --flag=3 -x -v7 rest
//#env: GREETING=hello
//#env: EMPTY=
//#stdin: first line\nsecond\n\nlast
//#status: 3
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) printf("%d %s\n", i, argv[i]);
    struct option o[] = {{"flag", required_argument, 0, 'f'}, {0}}; int c; while ((c = getopt_long(argc, argv, "xv:", o, 0)) != -1) printf("%c=%s ", c, optarg ? optarg : "-"); printf("%s\n", argv[optind]);
    printf("%s [%s] %d\n", getenv("GREETING"), getenv("EMPTY"), getenv("NOPE") == 0); setenv("NEW", "value", 1); unsetenv("EMPTY"); putenv("GREETING=bye"); int n = 0; for (char **e = environ; *e; e++) n += strchr(*e, '=') != 0;
    printf("%s %s %d %d\n", getenv("NEW"), getenv("GREETING"), getenv("EMPTY") == 0, n > 1); char line[64]; while (fgets(line, sizeof line, stdin)) printf("> %s", line); puts("");
    printf("%d %d %ld\n", getpid() > 0, isatty(0), sysconf(_SC_PAGESIZE)); fflush(stdout); fprintf(stderr, "to stderr\n"); write(1, "raw\n", 4); exit(3);
}
