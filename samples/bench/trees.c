// Memory and calls: binary trees are made, counted and freed, and a search tree is filled and searched.
#include "bench.h"

struct node {
    struct node *left, *right;
    uint64_t key;
};

static struct node *make(int depth) {
    struct node *n = malloc(sizeof *n);
    n->left = depth ? make(depth - 1) : NULL;
    n->right = depth ? make(depth - 1) : NULL;
    n->key = (uint64_t)depth;
    return n;
}

static uint64_t count(const struct node *n) { return n ? 1 + n->key % 2 + count(n->left) + count(n->right) : 0; }

static void discard(struct node *n) {
    if (!n) return;
    discard(n->left);
    discard(n->right);
    free(n);
}

static struct node *insert(struct node *n, uint64_t key) {
    if (!n) {
        n = calloc(1, sizeof *n);
        n->key = key;
    } else if (key < n->key)
        n->left = insert(n->left, key);
    else if (key > n->key)
        n->right = insert(n->right, key);
    return n;
}

static const struct node *search(const struct node *n, uint64_t key) {
    while (n && n->key != key) n = key < n->key ? n->left : n->right;
    return n;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 36);
    uint64_t total = 0, found = 0, state = 6;
    for (unsigned r = 0; r < rounds; r++) {
        for (int depth = 4; depth <= 16; depth += 2)
            for (int n = 0; n < 1 << (16 - depth) / 2; n++) {
                struct node *tree = make(depth);
                total += count(tree);
                discard(tree);
            }
        struct node *tree = NULL;
        for (int i = 0; i < 50000; i++) tree = insert(tree, bench_random(&state) % 100000);
        for (uint64_t key = 0; key < 100000; key++) found += search(tree, key) != NULL;
        discard(tree);
    }
    printf("%llu %llu\n", (unsigned long long)total, (unsigned long long)found);
}
