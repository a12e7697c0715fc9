#include "../show.h"
#include <getopt.h>
int main(void) {
    char *arguments[] = {"program", "-a", "--long=value", "-bfoo", "rest", "-c", 0};
    struct option options[] = {{"long", 1, 0, 'l'}, {0}};
    int option;
    optind = 1;
    while ((option = getopt_long(6, arguments, "ab:c", options, 0)) != -1) printf("%c %s\n", option, optarg ? optarg : "-");
    printf("%d %s\n", optind, arguments[optind]);
    return 0;
}
