/* Two points of one descriptor. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    char begun[2][3] = {"", ""};
    int file = open("/dev/snapshot", O_RDONLY), count = 1;
    if (read(file, begun[0], 2) != 2 || read(file, begun[0] + 1, 1) != 0) return 1;
    count++;
    if (lseek(file, 0, SEEK_SET) || read(file, begun[1], 2) != 2) return 2;
    printf("%.1s %.1s %d\n", begun[0], begun[1], count);
    return 0;
}
