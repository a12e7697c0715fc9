#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static unsigned seed = 42; static unsigned rnd(void) { return seed = seed * 1103515245u + 12345u; }
static int up(const void *a, const void *b) { int x = *(const int *)a, y = *(const int *)b; return (x > y) - (x < y); }
static int ctx(const void *a, const void *b, void *m) { int k = *(int *)m; return abs(*(const int *)a % k) - abs(*(const int *)b % k); }
struct rec { char name[12]; double key; }; static int recs(const void *a, const void *b) { const struct rec *x = a, *y = b; return x->key < y->key ? -1 : x->key > y->key; }
static void heap(int *a, int n) { for (int i = n / 2 - 1, e = n; e > 1;) { if (i >= 0) {} else { int t = a[0]; a[0] = a[--e]; a[e] = t; } for (int p = i >= 0 ? i-- : 0, c; (c = 2 * p + 1) < e; p = c) { if (c + 1 < e && a[c + 1] > a[c]) c++; if (a[p] >= a[c]) break; int t = a[p]; a[p] = a[c]; a[c] = t; } } }
static void merge(int *a, int *t, int n) { if (n < 2) return; int m = n / 2, i = 0, j = m, k = 0; merge(a, t, m); merge(a + m, t, n - m); while (k < n) t[k++] = j >= n || (i < m && a[i] <= a[j]) ? a[i++] : a[j++]; memcpy(a, t, (size_t)n * sizeof *a); }
static int a[3000], b[3000], c[3000], t[3000];
int main(void) {
    for (int i = 0; i < 3000; i++) a[i] = b[i] = c[i] = (int)(rnd() >> 8) % 100000 - 50000; qsort(a, 3000, sizeof *a, up); heap(b, 3000); merge(c, t, 3000); printf("%d %d %d %d\n", a[0], a[2999], memcmp(a, b, sizeof a), memcmp(a, c, sizeof a));
    int key = a[1234], *f = bsearch(&key, a, 3000, sizeof *a, up), k = 7; printf("%d\n", f && *f == key); qsort_r(b, 50, sizeof *b, ctx, &k); int ok = 1; for (int i = 1; i < 50; i++) ok &= abs(b[i - 1] % 7) <= abs(b[i] % 7); printf("%d\n", ok);
    struct rec r[20]; for (int i = 0; i < 20; i++) { snprintf(r[i].name, 12, "r%d", i); r[i].key = (double)(rnd() >> 8 & 1023) / 7; } qsort(r, 20, sizeof *r, recs); for (int i = 0; i < 20; i += 5) printf("%s %.3f ", r[i].name, r[i].key); puts("");
    return 0;
}
