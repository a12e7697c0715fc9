// Exceptions and inline functions across objects, thread_local with constructors, function-local statics, operator new.
#include <cstdio>
#include <cstdlib>
#include <new>
#include "shared.h"

static int allocations;
void *operator new(std::size_t size) {
    allocations++;
    if (void *block = std::malloc(size)) return block;
    throw std::bad_alloc();
}
void operator delete(void *block) noexcept { std::free(block); }
void operator delete(void *block, std::size_t) noexcept { std::free(block); }

thread_local Counter local("local");

struct Guard {
    int *flag;
    ~Guard() { ++*flag; }
};

int main() {
    int unwound = 0;
    for (int i = 0; i < 4; i++) {
        try {
            Guard guard{&unwound};
            fail(i);
        } catch (const Failure &f) {
            std::printf("%s %d\n", f.text(), f.code);
        } catch (const std::exception &e) {
            std::printf("std %s\n", e.what());
        }
    }
    std::printf("%d %d\n", unwound, through_callback([](int x) { if (x > 2) throw Failure(x); return x; }));
    std::printf("%d %d\n", local.next(), local.next());
    std::printf("%d %d\n", shared_static(), shared_static());
    int *many = new int(5);
    delete many;
    std::printf("%d\n", allocations > 0);
    try {
        volatile std::size_t much = ~0ul / 4;
        static char *volatile kept = new char[much];
        (void)kept;
    } catch (const std::bad_alloc &) {
        std::printf("bad alloc\n");
    }
}
