// URLs parsed, changed, resolved and searched, ordinary ones and those that only a standard can love.
#include "ada.h"

#include <iostream>
#include <string>
#include <vector>

int main() {
    const std::vector<std::string> urls = {
        "https://user:pass@example.com:8080/a/./b/../c?x=1&y=2#frag",
        "http://0x7f.1/",
        "http://[2001:db8::0:1]:80/",
        "https://faß.example/straße?größe=ü",
        "https://日本語.jp/道?順=序",
        "file:///C|/windows/../x",
        "javascript:alert(1)",
        "http://a b/",
        "http://exa%23mple.com",
        "http://256.256.256.256/",
        "//relative",
        "http:\\\\back\\slash",
        "data:text/plain;base64,SGVsbG8=",
        "ws://xn--/",
        "https://example.com:99999/",
    };
    for (const auto &text : urls) {
        auto url = ada::parse<ada::url_aggregator>(text);
        if (!url) {
            std::cout << text << " -> refused\n";
            continue;
        }
        std::cout << text << " -> " << url->get_href() << " | " << url->get_origin() << " | " << url->get_hostname() << " | "
                  << url->get_pathname() << " | " << url->get_search() << "\n";
        url->set_port("8443");
        url->set_pathname("/new path/é");
        url->set_hash("h");
        std::cout << "    " << url->get_href() << "\n";
    }
    auto base = ada::parse<ada::url>("https://example.org/one/two/three?q#f");
    for (const char *relative : {"../four", "?only", "#f2", "//other/x", "./././y", "../../../../z", "/abs", "mailto:a@b"}) {
        auto url = ada::parse<ada::url>(relative, &*base);
        std::cout << relative << " -> " << (url ? url->get_href() : "refused") << "\n";
    }
    ada::url_search_params params("b=2&a=1&c=%20x&a=0");
    params.append("ä", "ö ü");
    params.sort();
    std::cout << params.to_string() << " " << params.size() << "\n";
    std::cout << ada::idna::to_ascii("bücher.example") << " " << ada::idna::to_unicode("xn--bcher-kva.example") << "\n";
    return 0;
}
