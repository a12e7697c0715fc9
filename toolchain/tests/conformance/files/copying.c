#include "../show.h"
#include <sys/sendfile.h>
int main(void) {
    make("a", "0123456789");
    int in = open("a", O_RDONLY), out = open("b", O_RDWR | O_CREAT, 0600);
    off_t offset = 3;
    SHOW(sendfile(out, in, &offset, 4));
    printf("%ld\n", (long)offset);
    SHOW(sendfile(out, in, 0, 100));
    SHOW(lseek(in, 0, SEEK_CUR));
    print_file("b");
    loff_t from = 8, to = 0;
    SHOW(copy_file_range(in, &from, out, &to, 10, 0));
    printf("%ld %ld\n", (long)from, (long)to);
    print_file("b");
    lseek(in, 0, SEEK_SET);
    SHOW(copy_file_range(in, 0, out, 0, 5, 0));
    print_file("b");
    SHOW(copy_file_range(in, 0, out, 0, 5, 1));
    SHOW(copy_file_range(in, 0, in, 0, 5, 0));
    SHOW(sendfile(in, out, 0, 1));
    SHOW(sendfile(99, in, 0, 1));
    return 0;
}
