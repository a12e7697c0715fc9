/* What the sandbox offers beyond Linux: code that a program makes at run time, and snapshots. */
#ifndef ZVM_H
#define ZVM_H

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Code is bundles of so many bytes: no instruction crosses a bundle's end, and every target of an indirect jump or call, and
   every return address, is a bundle's start. The book's chapter on code made at run time has all rules. */
#define ZVM_BUNDLE 32

/* The one way out of the sandbox; words[0] is the trap's number. */
long __zvm_trap(const unsigned long *words);

/* Has the runtime validate whole pages and make them executable; from then on they cannot be written. 0; -EPERM if a rule is
   broken; -EINVAL for what are not whole pages of memory of the program's own, from mmap, below 2 GiB. */
static inline int zvm_jail(const void *code, size_t size) {
    unsigned long words[6] = {0x6c69614a, 0, (unsigned long)code, size};
    return (int)__zvm_trap(words);
}

/* Gives exactly one range back that zvm_jail was given: it can be written again, and not executed. */
static inline int zvm_unjail(const void *code, size_t size) {
    unsigned long words[6] = {0x6c6a6e55, 0, (unsigned long)code, size};
    return (int)__zvm_trap(words);
}

/* The point at which `zvm snapshot` copies the program's memory. 1 in an instance that begins with such a copy, which comes back from
   here as if it had run that far; 0 in every other; -1, with errno, if there is no /dev/snapshot. */
static inline int zvm_snapshot(void) {
    char begun = '0';
    int file = open("/dev/snapshot", O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, &begun, 1) < 0) begun = '0' - 1;
    if (file >= 0) close(file);
    return begun - '0';
}

#ifdef __cplusplus
}
#endif

#endif
