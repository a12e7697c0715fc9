#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "crash")) {
            *(volatile int *)0 = 1;
        }
        puts(argv[i]);
    }
    for (int c; (c = getchar()) != EOF;) {
        putchar(c);
    }
    if (getenv("SUFFIX")) {
        puts(getenv("SUFFIX"));
    }
    return 0;
}
