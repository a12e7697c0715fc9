#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct n { unsigned long w; int c, l, r; }; static struct n t[1024]; static unsigned long code[256]; static int len[256];
static void walk(int i, unsigned long bits, int depth) { if (t[i].l < 0) { code[t[i].c] = bits; len[t[i].c] = depth ? depth : 1; } else { walk(t[i].l, bits << 1, depth + 1); walk(t[i].r, bits << 1 | 1, depth + 1); } }
int main(void) {
    static unsigned char in[50000], out[60000], back[50000]; unsigned s = 1; for (int i = 0; i < 50000; i++) { s = s * 1103515245u + 12345u; in[i] = (unsigned char)("etaoin shrdlu"[(s >> 16) % 13 * ((s >> 24) % 3) / 2 % 13]); }
    int n = 0, heap[512], h = 0; unsigned long w[256] = {0}; for (int i = 0; i < 50000; i++) w[in[i]]++; for (int c = 0; c < 256; c++) if (w[c]) { t[n] = (struct n){w[c], c, -1, -1}; heap[h++] = n++; }
    while (h > 1) { int a = 0, b; for (int i = 1; i < h; i++) if (t[heap[i]].w < t[heap[a]].w) a = i; int x = heap[a]; heap[a] = heap[--h]; b = 0; for (int i = 1; i < h; i++) if (t[heap[i]].w < t[heap[b]].w) b = i; t[n] = (struct n){t[x].w + t[heap[b]].w, 0, x, heap[b]}; heap[b] = n++; }
    walk(heap[0], 0, 0); size_t bits = 0; for (int i = 0; i < 50000; i++) for (int k = len[in[i]]; k--; bits++) if (code[in[i]] >> k & 1) out[bits / 8] |= (unsigned char)(1 << bits % 8);
    size_t at = 0; for (int i = 0; i < 50000; i++) { int x = heap[0]; while (t[x].l >= 0) { x = out[at / 8] >> at % 8 & 1 ? t[x].r : t[x].l; at++; } back[i] = (unsigned char)t[x].c; } printf("%zu %d %d\n", bits / 8, at == bits, memcmp(in, back, 50000)); return 0;
}
