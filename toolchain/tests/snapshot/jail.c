/* Code in the snapshot's memory, made executable behind it; somebody changes the application's file between two calls. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zvm.h>

enum { SIZE = 65536 };

int main(void) {
    unsigned char *code = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char go;
    memset(code, 0x90, SIZE);
    /* mov $0x11223344,%rax; the masked return. */
    memcpy(code, "\x48\xc7\xc0\x44\x33\x22\x11\x48\x81\x24\x24\xe0\xff\xff\x7f\xc3", 16);
    zvm_snapshot();
    if (zvm_jail(code, SIZE)) return 1;
    long (*function)(void) = (long (*)(void))code;
    printf("%lx\n", function());
    fflush(stdout);
    if (read(0, &go, 1) != 1) return 2;
    printf("%lx\n", function());
    return 0;
}
