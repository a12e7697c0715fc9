// C++: virtual calls on objects of many classes, and a visitor.
#include <cstdio>
#include "bench.h"
#include <cmath>
#include <memory>
#include <vector>

namespace {

struct Visitor;

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
    virtual void grow(double factor) = 0;
    virtual void accept(Visitor &visitor) const = 0;
};

struct Circle;
struct Box;
struct Group;

struct Visitor {
    virtual ~Visitor() = default;
    virtual void visit(const Circle &circle) = 0;
    virtual void visit(const Box &box) = 0;
    virtual void visit(const Group &group) = 0;
};

struct Circle final : Shape {
    explicit Circle(double r) : radius(r) {}
    double area() const override { return 3.141592653589793 * radius * radius; }
    void grow(double factor) override { radius *= factor; }
    void accept(Visitor &visitor) const override { visitor.visit(*this); }
    double radius;
};

struct Box : Shape {
    Box(double w, double h) : width(w), height(h) {}
    double area() const override { return width * height; }
    void grow(double factor) override { width *= factor; }
    void accept(Visitor &visitor) const override { visitor.visit(*this); }
    double width, height;
};

struct Square final : Box {
    explicit Square(double s) : Box(s, s) {}
    void grow(double factor) override { width *= factor, height *= factor; }
};

struct Group final : Shape {
    double area() const override {
        double sum = 0;
        for (const auto &part : parts) sum += part->area();
        return sum;
    }
    void grow(double factor) override {
        for (auto &part : parts) part->grow(factor);
    }
    void accept(Visitor &visitor) const override {
        visitor.visit(*this);
        for (const auto &part : parts) part->accept(visitor);
    }
    std::vector<std::unique_ptr<Shape>> parts;
};

struct Counter final : Visitor {
    void visit(const Circle &circle) override { circles += circle.radius > 1; }
    void visit(const Box &box) override { boxes += box.width > box.height; }
    void visit(const Group &group) override { groups += group.parts.size(); }
    uint64_t circles = 0, boxes = 0, groups = 0;
};

std::unique_ptr<Shape> make(int depth, uint64_t &state) {
    uint64_t r = bench_random(&state);
    double size = 1 + static_cast<double>(r >> 54) / 256;
    switch (depth ? r % 6 : r % 3) {
    case 0: return std::make_unique<Circle>(size);
    case 1: return std::make_unique<Box>(size, 2);
    case 2: return std::make_unique<Square>(size);
    default:
        auto group = std::make_unique<Group>();
        for (int i = 0; i < 6; i++) group->parts.push_back(make(depth - 1, state));
        return group;
    }
}

} // namespace

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 800);
    uint64_t state = 21;
    Group all;
    while (all.parts.size() < 400) all.parts.push_back(make(4, state));
    double sum = 0;
    Counter counter;
    for (unsigned r = 0; r < rounds; r++) {
        sum += all.area();
        all.grow(r % 2 ? 1.25 : 0.8);
        all.accept(counter);
    }
    std::printf("%.6f %llu %llu %llu\n", sum, static_cast<unsigned long long>(counter.circles),
                static_cast<unsigned long long>(counter.boxes), static_cast<unsigned long long>(counter.groups));
}
