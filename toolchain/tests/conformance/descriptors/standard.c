//#stdin: first line\nsecond line\nlast without newline
#include "../show.h"
int main(void) {
    char text[64];
    SHOW((intptr_t)fgets(text, 64, stdin) != 0);
    printf("%s", text);
    int number = scanf("%63s", text);
    printf("%d %s\n", number, text);
    while (fgets(text, 64, stdin)) printf("[%s]", text);
    printf("\n%d %d\n", feof(stdin) != 0, ferror(stdin));
    struct stat st;
    SHOW(fstat(0, &st));
    SHOW(read(0, text, 1));
    SHOW(write(2, "", 0));
    SHOW(lseek(0, 0, SEEK_CUR));
    fflush(stdout);
    close(0);
    SHOW(read(0, text, 1));
    SHOW(open("/dev/null", O_RDONLY));
    return 0;
}
