// One fault for each word: tests/crash.rs knows what is said about it, and on which lines.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv);
static const char constant[64] = "constant";

static inline __attribute__((always_inline)) int store(volatile int *p) {
    return *p = 5;
}

__attribute__((noinline)) int inner(volatile int *p, int n) {
    return store(p) + n;
}

__attribute__((noinline)) int deeper(volatile char *p, int n) {
    volatile char room[4096];
    room[0] = p[0];
    return deeper(room, n + 1) + room[0];
}

__attribute__((noinline)) int outer(const char *what) {
    int result = 0;
    if (!strcmp(what, "null")) {
        result = inner(0, 3);
    } else if (!strcmp(what, "code")) {
        result = inner((int *)main, 3);
    } else if (!strcmp(what, "constant")) {
        result = inner((int *)constant, 3);
    } else if (!strcmp(what, "outside")) {
        result = inner((int *)0xfe000000, 3);
    } else if (!strcmp(what, "jump")) {
        result = ((int (*)(void))0x40)();
    } else if (!strcmp(what, "stack")) {
        result = deeper("", 3);
    } else if (!strcmp(what, "abort")) {
        abort();
    }
    printf("%s %d\n", what, result);
    return result;
}

int main(int argc, char **argv) {
    return outer(argc > 1 ? argv[1] : "null") + 1;
}
