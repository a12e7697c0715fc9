#include <exception>
#include <string>

struct Failure : std::exception {
    int code;
    explicit Failure(int c) : code(c) {}
    virtual const char *text() const;
};

struct Counter {
    const char *name;
    int value = 100;
    explicit Counter(const char *n) : name(n) {}
    ~Counter();
    int next() { return ++value; }
};

inline int shared_static() {
    static Counter counter("static");
    return counter.next();
}

void fail(int how);
int through_callback(int (*callback)(int));
