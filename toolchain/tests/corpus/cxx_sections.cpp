// Each basic block is a section of its own, with its own unwind entry and its own head of the function's table of calls: exceptions
// that are caught, passed on with cleanups, and thrown again.
//#cflags: -fbasic-block-sections=all
#include <cstdio>
#include <stdexcept>
#include <string>

struct named {
    std::string name;
    named(const char *name) : name(name) {}
    ~named() { std::printf("~%s\n", name.c_str()); }
};

__attribute__((noinline)) int thrower(int x) {
    if (x > 3) throw x;
    return x;
}

__attribute__((noinline)) int cleanups(int x) {
    named a("a");
    int r = thrower(x);
    if (r == 1) {
        named b("b");
        r += thrower(x + 1);
    }
    if (r == 2) {
        named c("c");
        r += thrower(x * 4);
    }
    return r;
}

__attribute__((noinline)) int again(int x) {
    named outer("outer");
    try {
        named inner("inner");
        return cleanups(x);
    } catch (int e) {
        std::printf("caught %d\n", e);
        if (e > 6) throw std::runtime_error("large");
        throw std::logic_error("small");
    }
}

int main() {
    for (int i = 0; i < 8; i++) {
        try {
            std::printf("%d\n", again(i));
        } catch (const std::logic_error &e) {
            std::printf("logic: %s\n", e.what());
        } catch (const std::exception &e) {
            std::printf("main: %s\n", e.what());
        }
    }
}
