#include "../show.h"
extern char **environ;
int main(int argc, char **argv) {
    int count = 0;
    while (environ[count]) count++;
    printf("%d\n", count);
    SHOW(setenv("NAME", "value", 0));
    SHOW(setenv("NAME", "other", 0));
    puts(getenv("NAME"));
    SHOW(setenv("NAME", "other", 1));
    puts(getenv("NAME"));
    SHOW(putenv("SECOND=2"));
    SHOW(unsetenv("NAME"));
    SHOW(getenv("NAME") == 0);
    SHOW(setenv("A=B", "x", 1));
    SHOW(clearenv());
    SHOW(getenv("SECOND") == 0);
    return 0;
}
