// Jobs for libc_speed.rs: the one named by the first argument.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned seed = 1;
static unsigned next(void) { return (seed = seed * 1664525 + 1013904223) >> 8; }
static volatile uint64_t sink;

static void mixed(long rounds, size_t most) {
    enum { N = 20000 };
    static char *held[N];
    for (long i = 0; i < rounds; i++) {
        unsigned k = next() % N, kind = next() % 256;
        if (held[k]) sink += held[k][0], free(held[k]);
        size_t size = kind < 200 ? 8 + kind % 128 : kind < 250 ? 128 + kind * 7 : 4096 + kind * 16;
        if (size > most) size = most;
        held[k] = malloc(size);
        held[k][0] = (char)kind;
    }
}
struct node { struct node *next, *other; long value; };
static void list(void) {
    for (int round = 0; round < 60; round++) {
        struct node *head = 0;
        for (int i = 0; i < 200000; i++) { struct node *n = malloc(sizeof *n); n->next = head, n->value = i, head = n; }
        while (head) { struct node *n = head->next; sink += (uint64_t)head->value; free(head); head = n; }
    }
}
static struct node *tree_of(int depth) {
    struct node *n = calloc(1, sizeof *n);
    if (depth) n->next = tree_of(depth - 1), n->other = tree_of(depth - 1);
    return n;
}
static void fell(struct node *n) { if (n->next) fell(n->next), fell(n->other); free(n); }
static void strings(void) {
    enum { N = 5000 };
    static char *texts[N];
    for (int round = 0; round < 400; round++)
        for (int i = 0; i < N; i++) {
            char text[64];
            size_t length = 4 + next() % 50;
            memset(text, 'a' + i % 26, length), text[length] = 0;
            free(texts[i]);
            texts[i] = strdup(text);
        }
}
static void grow(void) {
    for (int round = 0; round < 2000; round++) {
        char *block = 0;
        size_t size = 16;
        for (; size < 200000; size = size * 3 / 2) block = realloc(block, size), block[size - 1] = 1;
        free(block);
    }
}
static void large(void) {
    for (int i = 0; i < 20000; i++) {
        size_t size = 100000 + next() % 400000;
        char *block = malloc(size);
        for (size_t at = 0; at < size; at += 4096) block[at] = 1;
        free(block);
    }
}
static void *in_thread(void *argument) {
    void *held[1000] = {0};
    unsigned own = (unsigned)(uintptr_t)argument;
    for (int i = 0; i < 2000000; i++) {
        own = own * 1664525 + 1013904223;
        unsigned k = (own >> 8) % 1000;
        free(held[k]), held[k] = malloc(16 + (own >> 20) % 200);
    }
    for (int k = 0; k < 1000; k++) free(held[k]);
    return 0;
}
static void threads(void) {
    pthread_t all[4];
    for (long i = 0; i < 4; i++) pthread_create(&all[i], 0, in_thread, (void *)(i + 1));
    for (int i = 0; i < 4; i++) pthread_join(all[i], 0);
}

static char from[1 << 21] __attribute__((aligned(64))), to[1 << 21] __attribute__((aligned(64)));
// Sizes around `size`, at changing alignments.
#define EACH(total, expression)                                                                   \
    for (long i = 0, n = (long)((total) / (size + 30)); i < n; i++) {                               \
        size_t s = size - size / 8 + next() % (size / 4 + 1), a = next() & 63, b = next() & 63;   \
        char *x = to + a, *y = from + b;                                                          \
        (void)x, (void)y, (void)s;                                                                \
        expression;                                                                               \
    }
static void string_job(const char *name, size_t size) {
    const double T = 4e9;
    memset(from, 'x', sizeof from), memset(to, 'x', sizeof to);
    if (!strcmp(name, "memcpy")) EACH(T, memcpy(x, y, s))
    if (!strcmp(name, "memmove")) EACH(T, memmove(x, x + 40, s))
    if (!strcmp(name, "memset")) EACH(T, memset(x, (int)i, s))
    if (!strcmp(name, "memcmp")) EACH(T, sink += (uint64_t)memcmp(x, y, s))
    if (!strcmp(name, "memchr")) EACH(T, sink += memchr(y, 'q', s) != 0)
    if (size > 16384) return;
    size_t places[64];
    for (size_t k = 0; k < 64; k++) places[k] = size - size / 8 + (k * 7) % (size / 4 + 1);
    // 64 texts of nearly this length.
    char *texts[64], *others[64];
    for (size_t k = 0; k < 64; k++) {
        texts[k] = from + k * (size * 2 + 65), others[k] = to + k * (size * 2 + 67);
        texts[k][places[k]] = 0, others[k][places[k]] = 0;
    }
    long count = (long)(T / (double)(size + 30));
    if (!strcmp(name, "strlen")) for (long i = 0; i < count; i++) sink += strlen(texts[next() & 63]);
    if (!strcmp(name, "strchr")) for (long i = 0; i < count; i++) sink += strchr(texts[next() & 63], 'q') != 0;
    if (!strcmp(name, "strcmp")) for (long i = 0; i < count; i++) { unsigned k = next() & 63; sink += (uint64_t)strcmp(texts[k], others[k]); }
    if (!strcmp(name, "strcpy")) for (long i = 0; i < count; i++) { unsigned k = next() & 63; strcpy(others[k], texts[k]); }
}
int main(int argc, char **argv) {
    const char *job = argc > 1 ? argv[1] : "";
    if (!strcmp(job, "empty")) return 0;
    if (!strcmp(job, "mixed")) mixed(20000000, 1 << 20);
    if (!strcmp(job, "small")) mixed(20000000, 64);
    if (!strcmp(job, "list")) list();
    if (!strcmp(job, "tree")) for (int i = 0; i < 40; i++) fell(tree_of(16));
    if (!strcmp(job, "strings")) strings();
    if (!strcmp(job, "grow")) grow();
    if (!strcmp(job, "large")) large();
    if (!strcmp(job, "threads")) threads();
    char name[32];
    int size;
    char unit = 0;
    if (sscanf(job, "%31[a-z]_%d%c", name, &size, &unit) >= 2)
        string_job(name, (size_t)size * (unit == 'k' ? 1024 : unit == 'm' ? 1 << 20 : 1));
    return 0;
}
