#include "../show.h"
int main(void) {
    char name[5000];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    SHOW(open(name, O_WRONLY | O_CREAT, 0600));
    name[255] = 'n', name[256] = 0;
    SHOW(open(name, O_WRONLY | O_CREAT, 0600));
    for (int i = 0; i < 4998; i += 2) name[i] = '.', name[i + 1] = '/';
    name[4094] = 0;
    SHOW(access(name, F_OK));
    name[4094] = '.', name[4096] = 0;
    SHOW(access(name, F_OK));
    SHOW(open("bytes \x01\xff\n", O_WRONLY | O_CREAT, 0600));
    SHOW(access("bytes \x01\xff\n", F_OK));
    return 0;
}
