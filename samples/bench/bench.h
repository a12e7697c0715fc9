// What the programs of the suite share: the number of rounds, random numbers, text, a checksum. All of it is the same in
// every run.
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The program's only argument: how many rounds of its work. The default takes about a second.
static inline unsigned bench_rounds(int argc, char **argv, unsigned usual) {
    if (argc < 2) return usual;
    unsigned long rounds = strtoul(argv[1], NULL, 10);
    if (rounds == 0 || rounds > 1000000000) {
        fprintf(stderr, "usage: %s [ROUNDS]\n", argv[0]);
        exit(2);
    }
    return (unsigned)rounds;
}

// xorshift64*.
static inline uint64_t bench_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1Du;
}

// FNV-1a, to be continued with what it gave.
static inline uint64_t bench_hash(uint64_t hash, const void *data, size_t size) {
    const unsigned char *bytes = (const unsigned char *)data;
    if (hash == 0) hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

// Fills `out` with lines of words that are as unevenly frequent as those of a language.
static inline void bench_text(char *out, size_t size, uint64_t seed) {
    enum { WORDS = 1000 };
    static char words[WORDS][12];
    static const char consonants[] = "bcdfghklmnprstvw", vowels[] = "aeiou";
    uint64_t state = seed * 2 + 1, dictionary = 12345;
    for (int w = 0; w < WORDS; w++) {
        int syllables = 1 + (int)(bench_random(&dictionary) % 4), at = 0;
        for (int s = 0; s < syllables; s++) {
            words[w][at++] = consonants[bench_random(&dictionary) >> 60];
            words[w][at++] = vowels[(bench_random(&dictionary) >> 32) % 5];
        }
        if (bench_random(&dictionary) >> 63) words[w][at++] = 'n';
        words[w][at] = 0;
    }
    size_t at = 0, line = 0;
    while (at < size) {
        // The product of three uniform numbers is mostly small.
        uint64_t r = bench_random(&state);
        uint64_t index = (r & 0x3ff) * ((r >> 10) & 0x3ff) * ((r >> 20) & 0x3ff) * WORDS >> 30;
        const char *word = words[index];
        while (*word && at < size) out[at++] = *word++, line++;
        if (at < size) out[at++] = (r >> 40) % 12 ? ' ' : ',';
        if (line > 60 && at < size) out[at++] = '\n', line = 0;
    }
}

#endif
