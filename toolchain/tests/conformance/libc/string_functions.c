// Every string function against its definition, for all small sizes and alignments, up to the last byte of a page.
#include "../show.h"
#include <sys/mman.h>
static unsigned char *area, *end;
static unsigned seed = 1;
static unsigned next(unsigned bound) { return (seed = seed * 1664525 + 1013904223) % bound; }
static long bad;
static void check(int holds, const char *what, long a, long b) {
    if (!holds && bad++ < 10) printf("%s is wrong at %ld, %ld\n", what, a, b);
}
static int sign(int x) { return (x > 0) - (x < 0); }
static void blocks(long size, long align) {
    unsigned char *a = align < 0 ? end - size : area + align, *b = area + 200000 + next(64);
    for (long i = 0; i < size; i++) a[i] = next(255) + 1;
    memset(b, 0xEE, size + 2);
    check(memcpy(b + 1, a, size) == b + 1, "memcpy's result", size, align);
    long wrong = b[0] != 0xEE || b[size + 1] != 0xEE;
    for (long i = 0; i < size; i++) wrong += b[i + 1] != a[i];
    check(!wrong, "memcpy", size, align);
    check(memcmp(a, b + 1, size) == 0, "memcmp of equal", size, align);
    if (size) {
        long at = next(size);
        b[at + 1] ^= 1 << next(8);
        check(sign(memcmp(a, b + 1, size)) == (a[at] < b[at + 1] ? -1 : 1), "memcmp", size, at);
        unsigned char wanted = a[next(size)];
        unsigned char *first = 0, *last = 0;
        for (long i = 0; i < size; i++) if (a[i] == wanted) { if (!first) first = a + i; last = a + i; }
        check(memchr(a, wanted, size) == first, "memchr", size, align);
        check(memrchr(a, wanted, size) == last, "memrchr", size, align);
    }
    check(memchr(a, 0, size) == 0, "memchr of none", size, align);
    check(memset(b + 1, 0x155, size) == b + 1, "memset's result", size, align);
    wrong = b[0] != 0xEE || b[size + 1] != 0xEE;
    for (long i = 0; i < size; i++) wrong += b[i + 1] != 0x55;
    check(!wrong, "memset", size, align);
}
static void moves(long size, long distance) {
    unsigned char *a = area + 1000 + next(64), copy[3000];
    for (long i = 0; i < size; i++) copy[i] = a[i] = next(256);
    memmove(a + distance, a, size);
    long wrong = 0;
    for (long i = 0; i < size; i++) wrong += a[i + distance] != copy[i];
    check(!wrong, "memmove", size, distance);
}
static void texts(long length, long align) {
    char *a = align < 0 ? (char *)end - length - 1 : (char *)area + align, *b = (char *)area + 200000 + next(64);
    for (long i = 0; i < length; i++) a[i] = next(3) + 'a';
    a[length] = 0;
    check((long)strlen(a) == length, "strlen", length, align);
    check((long)strnlen(a, length / 2) == length / 2 && (long)strnlen(a, length + 1) == length, "strnlen", length, align);
    check(strcpy(b, a) == b && !memcmp(a, b, length + 1), "strcpy", length, align);
    check(stpcpy(b, a) == b + length, "stpcpy", length, align);
    check(strcmp(a, b) == 0 && strncmp(a, b, length + 5) == 0, "strcmp of equal", length, align);
    char *first = 0, *last = 0;
    for (long i = 0; i <= length; i++) if (a[i] == 'b') { if (!first) first = a + i; last = a + i; }
    check(strchr(a, 'b') == first && strchr(a, 0) == a + length && strchr(a, 'z') == 0, "strchr", length, align);
    check(strchrnul(a, 'b') == (first ? first : a + length), "strchrnul", length, align);
    check(strrchr(a, 'b') == last && strrchr(a, 0) == a + length, "strrchr", length, align);
    if (length) {
        long at = next(length);
        b[at] = "\x01z\xff"[next(3)];
        int want = (unsigned char)a[at] < (unsigned char)b[at] ? -1 : 1;
        check(sign(strcmp(a, b)) == want, "strcmp", length, at);
        check(sign(strncmp(a, b, at + 1)) == want && strncmp(a, b, at) == 0, "strncmp", length, at);
        b[at] = 0;
        check(strcmp(a, b) > 0 && strcmp(b, a) < 0, "strcmp of a part", length, at);
    }
}
int main(void) {
    area = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    end = area + (1 << 19);
    mprotect(end, 4096, PROT_NONE);
    for (long size = 0; size < 600; size++)
        for (long align = -1; align < 33; align += 1 + (size > 100) * 6) blocks(size, align), texts(size, align);
    for (long size = 600; size < 70000; size = size * 5 / 4 + next(20)) blocks(size, next(64)), blocks(size, -1), texts(size, -1);
    for (long size = 0; size < 700; size++)
        for (long distance = -130; distance < 131; distance += 1 + next(9)) moves(size, distance);
    for (long size = 700; size < 3000; size += next(200)) moves(size, 900), moves(size, -900), moves(size, 1), moves(size, -1);
    check(memchr("text", 't', SIZE_MAX) != 0, "memchr without end", 0, 0);
    printf("%ld wrong\n", bad);
    return bad != 0;
}
