#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *l, *r; int key, pri; }; static unsigned seed = 7; static int rnd(void) { return (int)((seed = seed * 69069u + 1) >> 4); }
static void split(struct node *t, int k, struct node **a, struct node **b) { if (!t) *a = *b = 0; else if (t->key < k) { *a = t; split(t->r, k, &t->r, b); } else { *b = t; split(t->l, k, a, &t->l); } }
static struct node *join(struct node *a, struct node *b) { if (!a || !b) return a ? a : b; if (a->pri > b->pri) { a->r = join(a->r, b); return a; } b->l = join(a, b->l); return b; }
static int height(const struct node *t) { if (!t) return 0; int a = height(t->l), b = height(t->r); return 1 + (a > b ? a : b); } static long walk(const struct node *t, int *n) { if (!t) return 0; long s = walk(t->l, n); s = s * 3 % 1000003 + t->key; (*n)++; return (s + walk(t->r, n)) % 1000003; }
static struct { char *k; int v; } table[4096]; static int *slot(const char *k) { unsigned h = 5381; for (const char *p = k; *p; p++) h = h * 33 ^ (unsigned char)*p; while (table[h &= 4095].k && strcmp(table[h].k, k)) h++; if (!table[h].k) table[h].k = strdup(k); return &table[h].v; }
static int board[32][32], next[32][32]; static int cmp(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
int main(void) {
    struct node *t = 0; for (int i = 0; i < 3000; i++) { struct node *a, *b, *n = calloc(1, sizeof *n); n->key = rnd() % 100000; n->pri = rnd(); split(t, n->key, &a, &b); t = join(join(a, n), b); } int n = 0; long s = walk(t, &n); printf("%d %ld %d\n", n, s, height(t) < 40);
    for (int i = 0; i < 20000; i++) { char k[16]; snprintf(k, 16, "k%d", rnd() % 1000); ++*slot(k); } char *names[4096]; int m = 0, total = 0; for (int i = 0; i < 4096; i++) if (table[i].k) { names[m++] = table[i].k; total += table[i].v; } qsort(names, (size_t)m, sizeof *names, cmp); printf("%d %d %s %s %d\n", m, total, names[0], names[m - 1], *slot("k500"));
    for (int i = 0; i < 32; i++) for (int j = 0; j < 32; j++) board[i][j] = (i * j + i + j) % 3 == 0; for (int g = 0; g < 50; g++) { for (int i = 0; i < 32; i++) for (int j = 0; j < 32; j++) { int c = 0; for (int a = -1; a < 2; a++) for (int b = -1; b < 2; b++) c += board[(i + a) & 31][(j + b) & 31]; next[i][j] = c == 3 || (c == 4 && board[i][j]); } memcpy(board, next, sizeof board); } int alive = 0; for (int i = 0; i < 1024; i++) alive += board[i / 32][i % 32]; printf("%d\n", alive);
    return 0;
}
