#include "../show.h"
int main(void) {
    make("a", "one\n");
    int first = open("a", O_WRONLY | O_APPEND), second = open("a", O_RDWR);
    SHOW(write(first, "two\n", 4));
    SHOW(lseek(first, 0, SEEK_SET));
    SHOW(write(first, "three\n", 6));
    SHOW(lseek(first, 0, SEEK_CUR));
    SHOW(write(second, "ONE", 3));
    print_file("a");
    SHOW(fcntl(second, F_SETFL, O_APPEND));
    SHOW(write(second, "four\n", 5));
    SHOW(fcntl(second, F_GETFL) & (O_APPEND | O_ACCMODE));
    print_file("a");
    return 0;
}
