// Hash tables: words counted in a table with chains, numbers looked up in one with open addressing.
#include "bench.h"

struct entry {
    struct entry *next;
    uint32_t hash, count;
    char word[];
};

static struct entry *chains[4096];

static uint32_t hash_of(const char *word, size_t size) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ (uint8_t)word[i]) * 16777619u;
    return hash;
}

static __attribute__((noinline)) void count_word(const char *word, size_t size) {
    uint32_t hash = hash_of(word, size);
    struct entry **slot = &chains[hash % 4096];
    for (; *slot; slot = &(*slot)->next)
        if ((*slot)->hash == hash && memcmp((*slot)->word, word, size) == 0 && (*slot)->word[size] == 0) {
            (*slot)->count++;
            return;
        }
    struct entry *entry = malloc(sizeof *entry + size + 1);
    *entry = (struct entry){NULL, hash, 1};
    memcpy(entry->word, word, size);
    entry->word[size] = 0;
    *slot = entry;
}

enum { SLOTS = 1 << 18 };
static uint64_t keys[SLOTS], values[SLOTS];

static size_t find(uint64_t key) {
    size_t slot = (key * 0x9e3779b97f4a7c15u) >> 46;
    while (keys[slot] && keys[slot] != key) slot = (slot + 1) % SLOTS;
    return slot;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 200);
    static char text[1 << 20];
    bench_text(text, sizeof text, 7);
    uint64_t state = 8, total = 0;
    for (unsigned r = 0; r < rounds; r++) {
        size_t start = 0;
        for (size_t at = 0; at < sizeof text; at++)
            if (text[at] < 'a') {
                if (at > start) count_word(text + start, at - start);
                start = at + 1;
            }
        memset(keys, 0, sizeof keys);
        for (int i = 0; i < 400000; i++) {
            uint64_t key = bench_random(&state) % 150000 + 1;
            size_t slot = find(key);
            keys[slot] = key;
            values[slot] += (uint64_t)i;
        }
        for (uint64_t key = 1; key <= 200000; key++) {
            size_t slot = find(key);
            if (keys[slot]) total += values[slot];
        }
    }
    uint64_t words = 0, different = 0, most = 0;
    for (int c = 0; c < 4096; c++)
        for (struct entry *e = chains[c]; e; e = e->next) {
            words += e->count, different++;
            if (e->count > most) most = e->count;
        }
    printf("%llu %llu %llu %llu\n", (unsigned long long)words, (unsigned long long)different, (unsigned long long)most,
           (unsigned long long)total);
}
