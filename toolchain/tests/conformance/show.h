// A call, what it gives, and the error if it fails.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
#define SHOW(call)                                                        \
    do {                                                                  \
        errno = 0;                                                        \
        long long result_ = (long long)(call);                            \
        if (result_ == -1 && errno) printf("%s: %s\n", #call, strerror(errno)); \
        else printf("%s = %lld\n", #call, result_);                       \
    } while (0)
// Only whether it worked, where the value is the system's own business.
#define WORKS(call) SHOW((call) != -1)
static inline void make(const char *name, const char *text) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    write(fd, text, strlen(text));
    close(fd);
}
static inline void print_file(const char *name) {
    char text[4096];
    int fd = open(name, O_RDONLY);
    long size = read(fd, text, sizeof text);
    close(fd);
    if (size < 0) printf("%s: cannot be read\n", name);
    else printf("%s: %.*s|\n", name, (int)size, text);
}
