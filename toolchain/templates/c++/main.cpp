#include <iostream>
#include <stdexcept>
#include <string>

static std::string greeting(int argc, char **argv) {
    if (argc < 2) {
        throw std::invalid_argument("usage: @NAME@ NAME");
    }
    return std::string("Hello, ") + argv[1] + "!";
}

int main(int argc, char **argv) {
    try {
        std::cout << greeting(argc, argv) << "\n";
    } catch (const std::invalid_argument &problem) {
        std::cerr << problem.what() << "\n";
        return 2;
    }
}
