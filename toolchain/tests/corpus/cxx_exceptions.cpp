// Exceptions: through frames with destructors, rethrown, nested, by type, out of constructors, through noexcept.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct Trace {
    const char *name;
    explicit Trace(const char *n) : name(n) { std::printf("+%s ", name); }
    ~Trace() { std::printf("-%s ", name); }
};

struct Base : std::exception {
    const char *what() const noexcept override { return "base"; }
};
struct Derived : Base {
    int value;
    explicit Derived(int v) : value(v) {}
    const char *what() const noexcept override { return "derived"; }
};
struct Other : virtual Base {};
struct Both : Other, virtual Base {
    const char *what() const noexcept override { return "both"; }
};

__attribute__((noinline)) static int deep(int n) {
    std::string filler(n % 40, 'x');
    if (n == 0) throw Derived(42);
    int below = deep(n - 1);
    return below + static_cast<int>(filler.size());
}

__attribute__((noinline)) static void thrower(int kind) {
    Trace trace("thrower");
    switch (kind) {
    case 0: throw 7;
    case 1: throw Derived(1);
    case 2: throw std::runtime_error("runtime");
    case 3: throw std::string("string");
    case 4: throw "literal";
    case 5: throw Both();
    case 6: throw std::make_unique<int>(6);
    case 7: throw 2.5;
    default: return;
    }
}

__attribute__((noinline)) static void middle(int kind) {
    Trace trace("middle");
    try {
        thrower(kind);
        std::printf("returned ");
    } catch (double d) {
        std::printf("double %g ", d);
        throw;
    } catch (const std::runtime_error &e) {
        std::printf("wrapped %s ", e.what());
        std::throw_with_nested(std::logic_error("outer"));
    }
}

static void report(int kind) {
    try {
        middle(kind);
    } catch (int i) {
        std::printf("int %d", i);
    } catch (const Derived &d) {
        std::printf("%s %d", d.what(), d.value);
    } catch (const Base &b) {
        std::printf("base: %s", b.what());
    } catch (const std::logic_error &e) {
        std::printf("%s", e.what());
        try {
            std::rethrow_if_nested(e);
        } catch (const std::exception &inner) {
            std::printf(" <- %s", inner.what());
        }
    } catch (const std::string &s) {
        std::printf("string %s", s.c_str());
    } catch (const char *s) {
        std::printf("literal %s", s);
    } catch (...) {
        std::printf("something");
    }
    std::printf("\n");
}

struct Half {
    Trace first{"first"};
    std::vector<int> list;
    explicit Half(bool fail) : list(3) {
        if (fail) throw std::length_error("half");
    }
    Trace last{"last"};
};

static int function_try(int n) try {
    if (n) throw n;
    return 0;
} catch (int e) {
    return -e;
}

int main() {
    for (int kind = 0; kind < 9; kind++) report(kind);
    try {
        deep(5000);
    } catch (const Base &b) {
        std::printf("deep: %s\n", b.what());
    }
    for (bool fail : {false, true}) {
        try {
            Half half(fail);
        } catch (const std::exception &e) {
            std::printf("%s", e.what());
        }
        std::printf("\n");
    }
    std::exception_ptr kept;
    try {
        std::vector<int>(3).at(9);
    } catch (...) {
        kept = std::current_exception();
    }
    try {
        std::rethrow_exception(kept);
    } catch (const std::out_of_range &) {
        std::printf("out of range, later\n");
    }
    std::printf("%d %d\n", function_try(0), function_try(8));
    int caught = 0;
    for (int i = 0; i < 20000; i++) {
        try {
            if (i % 2) throw i;
            throw static_cast<long>(i);
        } catch (int) {
            caught++;
        } catch (long) {
            caught += 2;
        }
    }
    std::printf("%d\n", caught);
    try {
        throw std::bad_alloc();
    } catch (std::exception &e) {
        std::printf("%d\n", std::uncaught_exceptions());
    }
    std::set_terminate([] {
        std::printf("terminate\n");
        std::fflush(stdout);
        std::_Exit(9);
    });
    struct Quiet {
        static void run() noexcept { throw 1; }
    };
    Quiet::run();
}
//#status: 9
