#include "../show.h"
#include <dirent.h>
int main(void) {
    char text[4096] = "", name[64];
    sprintf(name, "/proc/%d/cmdline", getpid());
    int fd = open(name, O_RDONLY);
    SHOW(read(fd, text, sizeof text) > 0);
    puts(text + strlen(text) + 1);
    SHOW(readlink("/proc/self/exe", text, sizeof text) > 0);
    printf("%c\n", text[0]);
    memset(text, 0, sizeof text);
    readlink("/proc/self", text, sizeof text);
    printf("%d\n", atoi(text) == getpid());
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(directory)) count++;
    printf("%d\n", count >= 6);
    SHOW(open("/proc/self/cmdline", O_WRONLY) < 0 || geteuid() == 0);
    SHOW(access("/proc/none", F_OK));
    SHOW(mkdir("/proc/x", 0700) == -1);
    return 0;
}
