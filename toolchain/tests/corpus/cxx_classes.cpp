// Virtual calls, multiple and virtual inheritance, RTTI, member pointers, lambdas, templates, static constructors.
#include <cstdio>
#include <functional>
#include <memory>
#include <typeinfo>
#include <vector>

static std::vector<const char *> &order() {
    static std::vector<const char *> list;
    return list;
}
struct Registered {
    const char *name;
    explicit Registered(const char *n) : name(n) { order().push_back(n); }
    ~Registered() { std::printf("gone: %s\n", name); }
};
static Registered first("first"), second("second");
__attribute__((init_priority(200))) static Registered early("early");

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
    virtual const char *name() const { return "shape"; }
};
struct Square : Shape {
    double side;
    explicit Square(double s) : side(s) {}
    double area() const override { return side * side; }
    const char *name() const override { return "square"; }
};
struct Circle final : Shape {
    double radius;
    explicit Circle(double r) : radius(r) {}
    double area() const override { return 3 * radius * radius; }
};

struct Top {
    int top = 1;
    virtual int id() { return top; }
    virtual ~Top() = default;
};
struct Left : virtual Top {
    int left = 2;
    int id() override { return top * 10 + left; }
};
struct Right : virtual Top {
    int right = 3;
};
struct Bottom : Left, Right {
    int bottom = 4;
    int id() override { return Left::id() * 100 + right * 10 + bottom; }
};

template <int N> struct Fibonacci {
    static constexpr long value = Fibonacci<N - 1>::value + Fibonacci<N - 2>::value;
};
template <> struct Fibonacci<0> { static constexpr long value = 0; };
template <> struct Fibonacci<1> { static constexpr long value = 1; };

template <class... T> static auto sum(T... values) { return (values + ... + 0); }

int main() {
    for (auto name : order()) std::printf("%s ", name);
    std::printf("\n");
    std::vector<std::unique_ptr<Shape>> shapes;
    for (int i = 0; i < 6; i++) {
        if (i % 2) shapes.push_back(std::make_unique<Circle>(i));
        else shapes.push_back(std::make_unique<Square>(i));
    }
    for (auto &shape : shapes) {
        auto *square = dynamic_cast<Square *>(shape.get());
        std::printf("%s %g %d %d\n", shape->name(), shape->area(), square != nullptr, typeid(*shape) == typeid(Circle));
    }
    Bottom bottom;
    Top *top = &bottom;
    Right *right = dynamic_cast<Right *>(top);
    std::printf("%d %d %d\n", top->id(), right->right, dynamic_cast<Left *>(right)->left);
    try {
        (void)dynamic_cast<Circle &>(*shapes[0]);
    } catch (const std::bad_cast &) {
        std::printf("bad cast\n");
    }
    double (Shape::*area)() const = &Shape::area;
    int Bottom::*member = &Bottom::bottom;
    std::printf("%g %d\n", (shapes[3].get()->*area)(), bottom.*member);
    int calls = 0;
    std::vector<std::function<int(int)>> functions;
    for (int i = 0; i < 4; i++) functions.push_back([i, &calls](int x) { calls++; return x * i; });
    functions.push_back([](int x) { return -x; });
    int total = 0;
    for (auto &function : functions) total += function(7);
    std::printf("%d %d\n", total, calls);
    std::printf("%ld %d\n", Fibonacci<60>::value, sum(1, 2, 3, 4));
}
