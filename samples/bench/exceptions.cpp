// C++: exceptions thrown through several frames, with destructors on the way: unwinding tables at work.
#include "bench.h"
#include <stdexcept>
#include <string>

namespace {

int alive, destroyed;

struct Guard {
    Guard() { alive++; }
    ~Guard() { alive--, destroyed++; }
};

[[gnu::noinline]] int descend(int depth, unsigned x) {
    Guard guard;
    if (depth == 0) {
        if (x % 3 == 0) throw std::runtime_error("three");
        if (x % 5 == 0) throw x;
        return static_cast<int>(x);
    }
    return descend(depth - 1, x) + 1;
}

[[gnu::noinline]] int guarded(int depth, unsigned x) {
    try {
        return descend(depth, x);
    } catch (const std::logic_error &) {
        return -1;
    } catch (unsigned number) {
        if (number % 2) throw;
        return static_cast<int>(number);
    }
}

} // namespace

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 10);
    uint64_t total = 0;
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned x = 0; x < 20000; x++) {
            try {
                total += static_cast<unsigned>(guarded(static_cast<int>(x % 10), x));
            } catch (const std::exception &error) {
                total += std::string(error.what()).size();
            } catch (unsigned number) {
                total ^= number;
            }
        }
    std::printf("%llu %d %d\n", static_cast<unsigned long long>(total), alive, destroyed);
}
