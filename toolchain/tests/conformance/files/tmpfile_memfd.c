#include "../show.h"
#include <sys/mman.h>
int main(void) {
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
    WORKS(fd);
    SHOW(write(fd, "nameless", 8));
    struct stat st;
    fstat(fd, &st);
    printf("%ld %ld %d\n", (long)st.st_nlink, (long)st.st_size, S_ISREG(st.st_mode));
    SHOW(open("/dev/shm", O_TMPFILE | O_RDONLY, 0600));
    int memory = memfd_create("name", MFD_CLOEXEC);
    WORKS(memory);
    SHOW(fcntl(memory, F_GETFD));
    SHOW(ftruncate(memory, 8192));
    char *map = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    strcpy(map + 5000, "through the map");
    char text[16] = "";
    SHOW(pread(memory, text, 15, 5000));
    puts(text);
    SHOW(pwrite(memory, "WRITE", 5, 5000));
    puts(map + 5000);
    SHOW(memfd_create("x", 1u << 30));
    FILE *file = tmpfile();
    fputs("temporary", file);
    rewind(file);
    printf("%s\n", fgets(text, sizeof text, file));
    return 0;
}
