// The library: streams, strings, containers, algorithms, regular expressions, numbers to text, optional and variant.
#include <algorithm>
#include <deque>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <list>
#include <map>
#include <numeric>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

int main() {
    std::cout << "hex " << std::hex << 255 << std::dec << ' ' << std::setw(8) << std::setprecision(3) << 3.14159 << ' ' << std::boolalpha
              << true << '\n';
    std::istringstream input("12 words 3.5 here");
    int number;
    std::string word;
    double real;
    input >> number >> word >> real;
    std::cout << number << word << real << (input.good() ? " good" : " bad") << std::endl;
    std::cin >> word >> number;
    std::cout << word << ' ' << number << '\n';

    std::map<std::string, int> counts;
    std::string text = "the quick brown fox jumps over the lazy dog the end";
    std::regex pattern("[a-z]+");
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) counts[it->str()]++;
    for (auto &[name, count] : counts) std::cout << name << '=' << count << ' ';
    std::cout << '\n' << std::regex_replace(text, std::regex("(\\w+) (fox|dog)"), "[$2 $1]") << '\n';
    std::smatch match;
    std::string date = "born 1970-01-01.";
    if (std::regex_search(date, match, std::regex("(\\d{4})-(\\d\\d)-(\\d\\d)"))) std::cout << match[1] << '/' << match[3] << '\n';

    std::vector<int> numbers(50);
    std::iota(numbers.begin(), numbers.end(), -10);
    std::stable_sort(numbers.begin(), numbers.end(), [](int a, int b) { return std::abs(a % 7) < std::abs(b % 7); });
    std::copy_n(numbers.begin(), 12, std::ostream_iterator<int>(std::cout, ","));
    std::cout << ' ' << std::accumulate(numbers.begin(), numbers.end(), 0L) << '\n';
    std::unordered_map<int, std::string> table;
    for (int i = 0; i < 2000; i++) table[i * 7919] = std::to_string(i);
    long sum = 0;
    for (int i = 0; i < 2000; i++) sum += std::stol(table.at(i * 7919));
    std::list<int> list{3, 1, 2};
    list.sort();
    std::deque<int> deque(list.begin(), list.end());
    deque.push_front(0);
    std::multiset<char> letters(text.begin(), text.end());
    std::cout << sum << ' ' << deque.front() << deque.back() << ' ' << letters.count('o') << '\n';
    std::variant<int, std::string, double> variant = std::string("variant");
    std::visit([](auto &value) { std::cout << value << ' '; }, variant);
    variant = 2.5;
    std::visit([](auto &value) { std::cout << value << '\n'; }, variant);
    std::optional<int> none;
    auto tuple = std::make_tuple(1, "two", 3.0);
    std::cout << none.value_or(5) << ' ' << std::get<1>(tuple) << ' ' << std::string_view(text).substr(4, 5) << '\n';
    try {
        std::cout << std::stoi("no number");
    } catch (const std::invalid_argument &e) {
        std::cout << e.what() << '\n';
    }
}
//#stdin: stream 77\n
