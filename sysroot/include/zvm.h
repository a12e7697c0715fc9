/* What the sandbox offers beyond Linux: code that a program makes at run time. */
#ifndef ZVM_H
#define ZVM_H

#include <stddef.h>

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

#ifdef __cplusplus
}
#endif

#endif
