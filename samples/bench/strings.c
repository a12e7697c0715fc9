// The C library's string functions: copying, comparing, searching, tokens, numbers to text and back.
#include "bench.h"
#include <ctype.h>

enum { SIZE = 1 << 18 };

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 240);
    static char text[SIZE + 1], copy[SIZE + 1], line[512];
    bench_text(text, SIZE, 12);
    uint64_t total = 0;
    for (unsigned r = 0; r < rounds; r++) {
        strcpy(copy, text);
        total += strlen(copy) + (unsigned)strcmp(copy, text);
        for (char *p = copy; (p = strstr(p, "na ")); p += 3) total++;
        for (char *p = copy; (p = strchr(p, ',')); p++) *p = ';';
        for (char *p = copy; *p; p++) total += (unsigned)toupper((unsigned char)*p) & 1;
        total += (size_t)((char *)memchr(copy, 0, sizeof copy) - copy);
        unsigned long words = 0;
        char *rest = copy;
        for (char *word; (word = strtok_r(rest, " ;\n", &rest));) words += strspn(word, "aeioubnk") + strlen(word);
        total += words;
        for (int i = 0; i < 4000; i++) {
            int size = snprintf(line, sizeof line, "%d %08x %s %.3f %5.2e", i, i * 2654435761u, text + SIZE - 20, i / 7.0, i * 1e10);
            char *end;
            total += (unsigned long)size + strtoul(line, &end, 10);
            total += strtoul(end, &end, 16);
            total += (uint64_t)(1000 * atof(strrchr(line, ' ')));
        }
        memmove(text + 1, text, SIZE - 1);
        total += (unsigned)memcmp(text, text + SIZE / 2, SIZE / 2) & 1;
    }
    printf("%llu\n", (unsigned long long)total);
}
