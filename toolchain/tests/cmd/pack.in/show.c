#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    printf("%s", getenv("GREETING") ? getenv("GREETING") : "");
    for (int i = 1; i < argc; i++) {
        char line[80];
        FILE *file = fopen(argv[i], "r");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        printf(" %s", fgets(line, sizeof line, file) ? line : "\n");
    }
    return 0;
}
