// Unwinding needs the frame pointer, which no code reads any more once a function only has to throw.
//#cflags: -fno-omit-frame-pointer
#include <cstdio>
#include <stdexcept>

struct Trace {
    const char *name;
    explicit Trace(const char *n) : name(n) { std::printf("+%s ", name); }
    ~Trace() { std::printf("-%s ", name); }
};

// Every way out of the switch throws, so that the jump through its table finds the frame pointer unread.
__attribute__((noinline)) static void thrower(int kind) {
    Trace trace("thrower");
    switch (kind) {
    case 0: throw 7;
    case 1: throw "literal";
    case 2: throw std::runtime_error("runtime");
    case 3: throw 2.5;
    case 4: throw 'c';
    case 5: throw 7L;
    default: std::printf("returned ");
    }
}

__attribute__((noinline)) static int caller(int kind, int a, int b) {
    Trace trace("caller");
    try {
        thrower(kind);
    } catch (double d) {
        return a + b + 1;
    } catch (char) {
        throw;
    }
    return a + b;
}

int main(int argc, char **) {
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    for (int kind = 0, sum = argc; kind < 8; kind++) {
        try {
            sum += caller(kind, kind * 3, sum);
        } catch (int i) {
            std::printf("int %d", i);
        } catch (const char *s) {
            std::printf("literal %s", s);
        } catch (const std::exception &e) {
            std::printf("%s", e.what());
        } catch (...) {
            std::printf("something");
        }
        std::printf(" %d\n", sum);
    }
}
