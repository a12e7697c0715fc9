// The three tasks of the word count. What is connected to an instance it finds as files below /dev/in and /dev/out.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <string>
#include <vector>

using Counts = std::map<std::string, uint64_t>;

static std::vector<std::filesystem::path> channels(const char *folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end()); // the order in which they are read decides nothing, but let it be one
    return paths;
}

// Counts that others have sent, added up.
static Counts receive() {
    Counts counts;
    for (const auto &path : channels("/dev/in")) {
        std::ifstream in(path);
        std::string word;
        for (uint64_t count; in >> word >> count;) counts[word] += count;
    }
    return counts;
}

// Every word goes to the same receiver, whoever sends it.
static bool send(const Counts &counts) {
    std::vector<std::ofstream> receivers;
    for (const auto &path : channels("/dev/out")) receivers.emplace_back(path);
    for (const auto &[word, count] : counts) {
        uint64_t hash = 0xcbf29ce484222325; // FNV-1a
        for (unsigned char letter : word) hash = (hash ^ letter) * 0x100000001b3;
        receivers[(hash >> 32) % receivers.size()] << word << ' ' << count << '\n';
    }
    bool good = true;
    for (auto &out : receivers) good &= out.flush().good();
    return good;
}

static Counts count_words(std::istream &in) {
    Counts counts;
    std::string word;
    auto end = [&] {
        if (!word.empty()) counts[word]++;
        word.clear();
    };
    for (char letter; in.get(letter);)
        if (std::isalpha(static_cast<unsigned char>(letter)))
            word += static_cast<char>(std::tolower(letter));
        else
            end();
    end();
    return counts;
}

static bool print(const Counts &counts) {
    uint64_t sum = 0;
    for (const auto &[word, count] : counts) sum += count;
    std::cout << sum << " words, " << counts.size() << " different\n";
    std::vector<std::pair<std::string, uint64_t>> order(counts.begin(), counts.end());
    std::stable_sort(order.begin(), order.end(), [](auto &a, auto &b) { return a.second > b.second; });
    if (order.size() > 10) order.resize(10);
    for (const auto &[word, count] : order) std::cout << std::setw(6) << count << "  " << word << '\n';
    return std::cout.flush().good();
}

int main(int argc, char **argv) {
    std::string task = argc == 2 ? argv[1] : "";
    if (task == "map") return send(count_words(std::cin)) ? 0 : 1;
    if (task == "reduce") return send(receive()) ? 0 : 1;
    if (task == "collect") return print(receive()) ? 0 : 1;
    std::cerr << "usage: wordcount map|reduce|collect\n";
    return 2;
}
