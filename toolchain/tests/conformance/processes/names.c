#include "../show.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
int main(void) {
    struct utsname name;
    SHOW(uname(&name));
    puts(name.sysname), puts(name.machine);
    char text[64] = "";
    SHOW(prctl(PR_SET_NAME, "a name that is too long"));
    SHOW(prctl(PR_GET_NAME, text));
    puts(text);
    SHOW(pthread_setname_np(pthread_self(), "short"));
    prctl(PR_GET_NAME, text);
    puts(text);
    SHOW(gethostname(text, sizeof text));
    SHOW(prctl(12345));
    return 0;
}
