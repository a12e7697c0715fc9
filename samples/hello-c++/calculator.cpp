// A calculator. A mistake is thrown where it is found, any number of calls deep, and caught in main; what lies between is
// unwound, and destructors run.
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

struct SyntaxError : std::runtime_error {
    size_t at;
    SyntaxError(const std::string &what, size_t at) : std::runtime_error(what), at(at) {}
};

// Counts the calls that are open, to show that every one of them is left.
struct Depth {
    static inline int now = 0, most = 0;
    Depth() { most = std::max(most, ++now); }
    ~Depth() { --now; }
};

class Parser {
    const std::string &text;
    size_t at = 0;

    char next() {
        while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) at++;
        return at < text.size() ? text[at] : '\0';
    }

    double factor() {
        Depth depth;
        if (next() == '(') {
            at++;
            double value = sum();
            if (next() != ')') throw SyntaxError("a ) is missing", at);
            at++;
            return value;
        }
        if (!std::isdigit(static_cast<unsigned char>(next()))) throw SyntaxError("a number is missing", at);
        size_t length = 0;
        double value = std::stod(text.substr(at), &length);
        at += length;
        return value;
    }

    double product() {
        Depth depth;
        double value = factor();
        for (char op; (op = next()) == '*' || op == '/';) {
            at++;
            double right = factor();
            if (op == '/' && right == 0) throw std::domain_error("division by zero");
            value = op == '*' ? value * right : value / right;
        }
        return value;
    }

    double sum() {
        Depth depth;
        double value = product();
        for (char op; (op = next()) == '+' || op == '-';) {
            at++;
            double right = product();
            value = op == '+' ? value + right : value - right;
        }
        return value;
    }

public:
    explicit Parser(const std::string &text) : text(text) {}

    double value() {
        double value = sum();
        if (next()) throw SyntaxError("something follows", at);
        return value;
    }
};

int main(int argc, char **argv) {
    for (const std::string &text : std::vector<std::string>(argv + 1, argv + argc)) {
        try {
            double value = Parser(text).value();
            std::cout << text << " = " << value << '\n';
        } catch (const SyntaxError &error) {
            std::cout << text << '\n' << std::string(error.at, ' ') << "^ " << error.what() << '\n';
        } catch (const std::exception &error) {
            std::cout << text << ": " << error.what() << '\n';
        }
    }
    std::cout << "at most " << Depth::most << " calls deep; " << Depth::now << " of them are still open\n";
    return Depth::now;
}
