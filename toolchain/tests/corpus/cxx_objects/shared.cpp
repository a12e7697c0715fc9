#include "shared.h"
#include <cstdio>
#include <stdexcept>

const char *Failure::text() const { return "failure"; }
Counter::~Counter() { std::printf("~%s %d\n", name, value); }

struct Special : Failure {
    Special() : Failure(77) {}
    const char *text() const override { return "special"; }
};

void fail(int how) {
    std::string text(100, 'a' + how);
    if (how == 0) throw Failure(how);
    if (how == 1) throw Special();
    if (how == 2) throw std::runtime_error(text.substr(0, 3));
}

int through_callback(int (*callback)(int)) {
    int sum = 0;
    for (int i = 0; i < 10; i++) {
        try {
            sum += callback(i);
        } catch (const Failure &f) {
            sum += 100 * f.code;
        }
    }
    return sum;
}
