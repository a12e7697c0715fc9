#include "../show.h"
int main(void) {
    char before[4096], now[4096];
    getcwd(before, sizeof before);
    mkdir("d", 0700), mkdir("d/e", 0700);
    SHOW(chdir("d/e"));
    getcwd(now, sizeof now);
    puts(now + strlen(before));
    SHOW(chdir(".."));
    getcwd(now, sizeof now);
    puts(now + strlen(before));
    int fd = open(".", O_RDONLY);
    SHOW(chdir("none"));
    SHOW(chdir("e"));
    SHOW(fchdir(fd));
    SHOW(rmdir("e"));
    SHOW(access("e", F_OK));
    SHOW(chdir(before));
    SHOW((intptr_t)getcwd(now, 1));
    make("f", "");
    SHOW(chdir("f"));
    SHOW(fchdir(99));
    mkdir("gone", 0700);
    chdir("gone");
    SHOW(rmdir("../gone"));
    SHOW((intptr_t)getcwd(now, sizeof now));
    SHOW(open("x", O_CREAT | O_WRONLY, 0600));
    SHOW(chdir(".."));
    return 0;
}
