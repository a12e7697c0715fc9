// C++: the library's containers, strings, algorithms and functions.
#include "bench.h"
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 35);
    std::string text(1 << 19, ' ');
    bench_text(text.data(), text.size(), 22);
    uint64_t state = 23, total = 0;
    for (unsigned r = 0; r < rounds; r++) {
        std::unordered_map<std::string, int> counts;
        std::istringstream words(text);
        for (std::string word; words >> word;) counts[word]++;
        std::multimap<int, std::string, std::greater<>> ranking;
        for (const auto &[word, count] : counts) ranking.emplace(count, word);
        std::vector<std::string> first;
        for (const auto &[count, word] : ranking) {
            first.push_back(word + ":" + std::to_string(count));
            if (first.size() == 500) break;
        }
        std::sort(first.begin(), first.end());
        for (const auto &word : first) total = bench_hash(total, word.data(), word.size());

        // The shortest paths in a graph of random edges.
        constexpr int nodes = 20000;
        std::vector<std::vector<std::pair<int, unsigned>>> edges(nodes);
        for (int n = 0; n < nodes; n++)
            for (int e = 0; e < 6; e++) {
                uint64_t x = bench_random(&state);
                edges[n].emplace_back(static_cast<int>(x % nodes), 1 + (x >> 50));
            }
        std::vector<unsigned> distance(nodes, ~0u);
        using Item = std::pair<unsigned, int>;
        std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
        distance[0] = 0;
        queue.emplace(0, 0);
        while (!queue.empty()) {
            auto [d, n] = queue.top();
            queue.pop();
            if (d > distance[n]) continue;
            for (auto [to, length] : edges[n])
                if (d + length < distance[to]) distance[to] = d + length, queue.emplace(d + length, to);
        }
        total += std::accumulate(distance.begin(), distance.end(), uint64_t{0});

        std::set<uint64_t> ordered;
        std::deque<uint64_t> window;
        for (int i = 0; i < 60000; i++) {
            uint64_t x = bench_random(&state) >> 32;
            ordered.insert(x), window.push_back(x);
            if (window.size() > 5000) ordered.erase(window.front()), window.pop_front();
            if (i % 8 == 0) total += *ordered.lower_bound(*ordered.begin() + 1000);
        }
        std::vector<std::function<uint64_t(uint64_t)>> steps;
        for (uint64_t k = 1; k < 9; k++) steps.emplace_back([k, r](uint64_t x) { return x * k + r; });
        for (int i = 0; i < 100000; i++) total = steps[i % steps.size()](total);
    }
    std::printf("%016llx\n", static_cast<unsigned long long>(total));
}
