#include "../show.h"
#include <sys/sysinfo.h>
int getauxval_works(void);
int main(void) {
    struct sysinfo info;
    SHOW(sysinfo(&info));
    printf("%d %d %d\n", info.totalram > 0, info.freeram <= info.totalram, info.mem_unit >= 1);
    SHOW(get_nprocs() >= 1);
    SHOW(getauxval_works());
    return 0;
}
#include <sys/auxv.h>
int getauxval_works(void) { return getauxval(AT_PAGESZ) == 4096 && getauxval(AT_RANDOM) != 0 && getauxval(AT_PHDR) != 0 && getauxval(AT_SECURE) == 0; }
