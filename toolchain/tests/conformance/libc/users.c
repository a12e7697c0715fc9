#include "../show.h"
#include <grp.h>
#include <pwd.h>
int main(void) {
    errno = 0;
    struct passwd *entry = getpwnam("nobody-of-this-name");
    printf("%d\n", entry == 0);
    struct group *group = getgrnam("no-group-of-this-name");
    printf("%d\n", group == 0);
    SHOW(confstr(_CS_PATH, 0, 0) > 1);
    SHOW(pathconf(".", _PC_NAME_MAX));
    SHOW(sysconf(_SC_ARG_MAX) > 1000);
    SHOW(sysconf(12345));
    return 0;
}
