// Regular expressions: PCRE2 finds all matches of some patterns in a text.
#include "bench.h"
#include <pcre2.h>

static const char *const patterns[] = {
    "na[eiou]?", "\\b(\\w+) \\1\\b", "[a-m]+tu[^ ]*n,", "(?i)KO|pi|va(?=n)", "(\\w+) (\\w+), (\\w+)", "^[^,]*,[^,]*$", "(?:[bcd][aeiou]){2,3}n?\\b",
};

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 2);
    enum { SIZE = 1 << 19 };
    static char text[SIZE];
    bench_text(text, SIZE, 31);
    uint64_t hash = 0;
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        int error;
        PCRE2_SIZE where;
        pcre2_code *code = pcre2_compile((PCRE2_SPTR)patterns[p], PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE | PCRE2_UTF, &error, &where, NULL);
        if (!code) return 1;
        pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
        uint64_t count = 0;
        for (unsigned r = 0; r < rounds; r++)
            for (PCRE2_SIZE at = 0; pcre2_match(code, (PCRE2_SPTR)text, SIZE, at, 0, data, NULL) > 0; count++) {
                PCRE2_SIZE *match = pcre2_get_ovector_pointer(data);
                hash = bench_hash(hash, match, 2 * sizeof *match);
                at = match[1] > match[0] ? match[1] : match[1] + 1;
            }
        printf("%s: %llu\n", patterns[p], (unsigned long long)count);
        pcre2_match_data_free(data);
        pcre2_code_free(code);
    }
    printf("%016llx\n", (unsigned long long)hash);
}
