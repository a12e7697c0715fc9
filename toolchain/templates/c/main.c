#include <stdio.h>

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: @NAME@ NAME\n");
        return 2;
    }
    printf("Hello, %s!\n", argv[1]);
    return 0;
}
