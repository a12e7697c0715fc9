#include "../show.h"
int main(void) {
    make("a", "A"), make("b", "B");
    mkdir("d", 0700), mkdir("e", 0700), mkdir("e/f", 0700);
    SHOW(rename("a", "b"));
    print_file("b");
    SHOW(rename("a", "b"));
    SHOW(rename("b", "d"));
    SHOW(rename("d", "b"));
    SHOW(rename("d", "e"));
    SHOW(rename("e", "e/f/g"));
    SHOW(rename("e", "d"));
    SHOW(access("d/f", F_OK));
    SHOW(rename("b", "d/f/c"));
    print_file("d/f/c");
    SHOW(rename("d/f/c", "d/f/c"));
    link("d/f/c", "h");
    SHOW(rename("h", "d/f/c"));
    SHOW(access("h", F_OK));
    SHOW(rename(".", "x"));
    SHOW(rename("d", "d/"));
    SHOW(rename("h", "h2/"));
    SHOW(renameat(AT_FDCWD, "h", AT_FDCWD, "i"));
    return 0;
}
