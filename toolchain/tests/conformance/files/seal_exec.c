// F_SEAL_EXEC, and memfds that say whether they may be executed.
#include "../show.h"
#include <sys/mman.h>
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
static void show(int fd) {
    struct stat status;
    fstat(fd, &status);
    printf("%o, seals %x\n", status.st_mode & 07777, fcntl(fd, F_GET_SEALS));
}
int main(void) {
    enum { NOEXEC_SEAL = 8, EXEC = 16 };
    int fd = memfd_create("executable", MFD_ALLOW_SEALING);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
    show(fd);
    SHOW(write(fd, "x", 1));
    SHOW(fchmod(fd, 0755));
    SHOW(fchmod(fd, 0666));
    fd = memfd_create("other", MFD_ALLOW_SEALING);
    SHOW(fchmod(fd, 0666));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
    show(fd);
    SHOW(write(fd, "x", 1));
    SHOW(fchmod(fd, 0600));
    SHOW(fchmod(fd, 0700));
    SHOW(fcntl(fd, F_ADD_SEALS, 0x40));
    fd = memfd_create("never", NOEXEC_SEAL);
    show(fd);
    SHOW(fchmod(fd, 0777));
    show(memfd_create("may be", EXEC));
    show(memfd_create("may be, and sealed", EXEC | MFD_ALLOW_SEALING));
    SHOW(memfd_create("both", EXEC | NOEXEC_SEAL));
    return 0;
}
