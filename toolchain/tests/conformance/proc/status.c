#include "../show.h"
static void field(const char *file, const char *name) {
    char line[256];
    FILE *stream = fopen(file, "r");
    long value = -1;
    while (fgets(line, sizeof line, stream))
        if (!strncmp(line, name, strlen(name))) value = atol(line + strlen(name));
    fclose(stream);
    printf("%s %d\n", name, value > 0);
}
int main(void) {
    field("/proc/self/status", "Pid:");
    field("/proc/self/status", "VmRSS:");
    field("/proc/self/status", "VmSize:");
    field("/proc/self/status", "Threads:");
    field("/proc/meminfo", "MemTotal:");
    field("/proc/meminfo", "MemAvailable:");
    long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    printf("%d", fscanf(file, "%ld %ld", &size, &resident));
    printf(" %d\n", size >= resident && resident > 0);
    int pid, parent;
    char name[64], state;
    file = fopen("/proc/self/stat", "r");
    printf("%d", fscanf(file, "%d %63s %c %d", &pid, name, &state, &parent));
    printf(" %d %c\n", pid == getpid(), state);
    double up;
    file = fopen("/proc/uptime", "r");
    printf("%d %d\n", fscanf(file, "%lf", &up), up > 0);
    return 0;
}
