// The default malloc: mimalloc under the names of the C library. Built from the pinned source of the crate libmimalloc-sys
// (`static.c` includes all of mimalloc), with the settings in `sysroot/src/fast.rs`.
//
// The names are weak, so that a program with a malloc of its own links, whichever functions it leaves out.
#include <errno.h>

#include "static.c"

// mimalloc's names are macros here: see `hide_names` there.
#define NAME(name) #name
#define INSTEAD(name, implementation, type, ...) \
    extern __attribute__((weak, alias(NAME(implementation)), visibility("default"))) type name(__VA_ARGS__)

#undef malloc
#undef calloc
#undef realloc
#undef free
INSTEAD(malloc, mi_malloc, void *, size_t);
INSTEAD(calloc, mi_calloc, void *, size_t, size_t);
INSTEAD(realloc, mi_realloc, void *, void *, size_t);
INSTEAD(free, mi_free, void, void *);
INSTEAD(aligned_alloc, mi_aligned_alloc, void *, size_t, size_t);
INSTEAD(memalign, mi_memalign, void *, size_t, size_t);
INSTEAD(posix_memalign, mi_posix_memalign, int, void **, size_t, size_t);
INSTEAD(valloc, mi_valloc, void *, size_t);
INSTEAD(pvalloc, mi_pvalloc, void *, size_t);
INSTEAD(malloc_usable_size, mi_usable_size, size_t, void *);

// What musl's own functions call. They must come from here too: musl's lite_malloc.o, which has them, defines malloc as well.
INSTEAD(__libc_malloc, mi_malloc, void *, size_t);
INSTEAD(__libc_malloc_impl, mi_malloc, void *, size_t);
INSTEAD(__libc_calloc, mi_calloc, void *, size_t, size_t);
INSTEAD(__libc_realloc, mi_realloc, void *, void *, size_t);
INSTEAD(__libc_free, mi_free, void, void *);

// Freed memory stays the sandbox's: giving it back would only write zeros. What mimalloc asked the system at its start, just
// before this, and did not get, is not the program's to see: nothing of it has run, so errno is zero.
__attribute__((constructor(101))) static void settle(void) {
    mi_option_set(mi_option_purge_delay, -1);
    errno = 0;
}
