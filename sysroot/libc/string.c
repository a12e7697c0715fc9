// The string functions that programs spend time in, with whole vectors: SSE2, or AVX2 where the image's level has it.
//
// A string is read in aligned vectors, which never leave the page of a byte that belongs to it. The names are weak: a
// program's own functions come first.
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define WEAK __attribute__((weak))

#ifdef __AVX2__
typedef __m256i vector;
typedef uint32_t mask;
enum { WIDTH = 32 };
#define ALL 0xFFFFFFFFu
static inline vector load(const void *p) { return _mm256_loadu_si256(p); }
static inline vector load_aligned(const void *p) { return _mm256_load_si256(p); }
static inline void store(void *p, vector v) { _mm256_storeu_si256(p, v); }
static inline vector splat(int c) { return _mm256_set1_epi8((char)c); }
static inline vector same(vector a, vector b) { return _mm256_cmpeq_epi8(a, b); }
static inline vector least(vector a, vector b) { return _mm256_min_epu8(a, b); }
static inline vector both(vector a, vector b) { return _mm256_and_si256(a, b); }
static inline vector either(vector a, vector b) { return _mm256_or_si256(a, b); }
static inline mask bits(vector v) { return (mask)_mm256_movemask_epi8(v); }
#else
typedef __m128i vector;
typedef uint32_t mask;
enum { WIDTH = 16 };
#define ALL 0xFFFFu
static inline vector load(const void *p) { return _mm_loadu_si128(p); }
static inline vector load_aligned(const void *p) { return _mm_load_si128(p); }
static inline void store(void *p, vector v) { _mm_storeu_si128(p, v); }
static inline vector splat(int c) { return _mm_set1_epi8((char)c); }
static inline vector same(vector a, vector b) { return _mm_cmpeq_epi8(a, b); }
static inline vector least(vector a, vector b) { return _mm_min_epu8(a, b); }
static inline vector both(vector a, vector b) { return _mm_and_si128(a, b); }
static inline vector either(vector a, vector b) { return _mm_or_si128(a, b); }
static inline mask bits(vector v) { return (mask)_mm_movemask_epi8(v); }
#endif

// From here on the processor fills as fast by itself, and much more of it faster.
#define LARGE (32 * 1024)

#define INTEGER(bytes, type)                                                                       \
    static inline type load##bytes(const void *p) { type v; __builtin_memcpy(&v, p, sizeof v); return v; } \
    static inline void store##bytes(void *p, type v) { __builtin_memcpy(p, &v, sizeof v); }
INTEGER(2, uint16_t)
INTEGER(4, uint32_t)
INTEGER(8, uint64_t)

// Every case loads all that it needs before it stores: so one function serves overlapping and other memory.
WEAK void *memmove(void *to, const void *from, size_t size) {
    char *d = to;
    const char *s = from;
    if (size <= WIDTH) {
        if (WIDTH == 32 && size >= 16) {
            __m128i a = _mm_loadu_si128((const void *)s), b = _mm_loadu_si128((const void *)(s + size - 16));
            _mm_storeu_si128((void *)d, a);
            _mm_storeu_si128((void *)(d + size - 16), b);
        } else if (size == 16) {
            _mm_storeu_si128((void *)d, _mm_loadu_si128((const void *)s));
        } else if (size >= 8) {
            uint64_t a = load8(s), b = load8(s + size - 8);
            store8(d, a), store8(d + size - 8, b);
        } else if (size >= 4) {
            uint32_t a = load4(s), b = load4(s + size - 4);
            store4(d, a), store4(d + size - 4, b);
        } else if (size >= 2) {
            uint16_t a = load2(s), b = load2(s + size - 2);
            store2(d, a), store2(d + size - 2, b);
        } else if (size) {
            *d = *s;
        }
        return to;
    }
    if (size <= 2 * WIDTH) {
        vector a = load(s), b = load(s + size - WIDTH);
        store(d, a), store(d + size - WIDTH, b);
        return to;
    }
    if (size <= 4 * WIDTH) {
        vector a = load(s), b = load(s + WIDTH);
        vector y = load(s + size - 2 * WIDTH), z = load(s + size - WIDTH);
        store(d, a), store(d + WIDTH, b);
        store(d + size - 2 * WIDTH, y), store(d + size - WIDTH, z);
        return to;
    }
    if (size <= 8 * WIDTH) {
        vector a = load(s), b = load(s + WIDTH), c = load(s + 2 * WIDTH), e = load(s + 3 * WIDTH);
        vector w = load(s + size - 4 * WIDTH), x = load(s + size - 3 * WIDTH);
        vector y = load(s + size - 2 * WIDTH), z = load(s + size - WIDTH);
        store(d, a), store(d + WIDTH, b), store(d + 2 * WIDTH, c), store(d + 3 * WIDTH, e);
        store(d + size - 4 * WIDTH, w), store(d + size - 3 * WIDTH, x);
        store(d + size - 2 * WIDTH, y), store(d + size - WIDTH, z);
        return to;
    }
#if !defined __AVX2__
    // All sixteen registers: sizes that vary up to here cost no mispredicted loop.
    if (size <= 16 * WIDTH) {
        const char *t = s + size - 8 * WIDTH;
        vector a = load(s), b = load(s + WIDTH), c = load(s + 2 * WIDTH), e = load(s + 3 * WIDTH);
        vector f = load(s + 4 * WIDTH), g = load(s + 5 * WIDTH), h = load(s + 6 * WIDTH), i = load(s + 7 * WIDTH);
        vector q = load(t), r = load(t + WIDTH), u = load(t + 2 * WIDTH), v = load(t + 3 * WIDTH);
        vector w = load(t + 4 * WIDTH), x = load(t + 5 * WIDTH), y = load(t + 6 * WIDTH), z = load(t + 7 * WIDTH);
        store(d, a), store(d + WIDTH, b), store(d + 2 * WIDTH, c), store(d + 3 * WIDTH, e);
        store(d + 4 * WIDTH, f), store(d + 5 * WIDTH, g), store(d + 6 * WIDTH, h), store(d + 7 * WIDTH, i);
        d += size - 8 * WIDTH;
        store(d, q), store(d + WIDTH, r), store(d + 2 * WIDTH, u), store(d + 3 * WIDTH, v);
        store(d + 4 * WIDTH, w), store(d + 5 * WIDTH, x), store(d + 6 * WIDTH, y), store(d + 7 * WIDTH, z);
        return to;
    }
#endif
    if ((uintptr_t)d - (uintptr_t)s >= size) {
        // Forwards, to aligned places; the first vector and the last four were loaded before. `rep movsb` is no faster at any
        // size, and twenty times slower on AMD where the target lies less than 64 bytes behind the source modulo 4096.
        vector first = load(s);
        vector w = load(s + size - 4 * WIDTH), x = load(s + size - 3 * WIDTH);
        vector y = load(s + size - 2 * WIDTH), z = load(s + size - WIDTH);
        char *end = d + size;
        size_t skip = WIDTH - ((uintptr_t)d & (WIDTH - 1));
        char *p = d + skip;
        s += skip;
        for (; p < end - 4 * WIDTH; p += 4 * WIDTH, s += 4 * WIDTH) {
            vector a = load(s), b = load(s + WIDTH), c = load(s + 2 * WIDTH), e = load(s + 3 * WIDTH);
            store(p, a), store(p + WIDTH, b), store(p + 2 * WIDTH, c), store(p + 3 * WIDTH, e);
        }
        store(end - 4 * WIDTH, w), store(end - 3 * WIDTH, x), store(end - 2 * WIDTH, y), store(end - WIDTH, z);
        store(d, first);
        return to;
    }
    // Backwards.
    vector last = load(s + size - WIDTH);
    vector a = load(s), b = load(s + WIDTH), c = load(s + 2 * WIDTH), e = load(s + 3 * WIDTH);
    char *end = d + size;
    size_t cut = (uintptr_t)end & (WIDTH - 1);
    char *p = end - cut;
    s += size - cut;
    for (; p > d + 4 * WIDTH; ) {
        p -= 4 * WIDTH, s -= 4 * WIDTH;
        vector w = load(s), x = load(s + WIDTH), y = load(s + 2 * WIDTH), z = load(s + 3 * WIDTH);
        store(p + 3 * WIDTH, z), store(p + 2 * WIDTH, y), store(p + WIDTH, x), store(p, w);
    }
    store(d, a), store(d + WIDTH, b), store(d + 2 * WIDTH, c), store(d + 3 * WIDTH, e);
    store(end - WIDTH, last);
    return to;
}

WEAK extern __typeof__(memmove) memcpy __attribute__((alias("memmove")));

WEAK void *memset(void *to, int c, size_t size) {
    char *d = to;
    if (size < WIDTH) {
        uint64_t word = (uint8_t)c * 0x0101010101010101u;
        if (WIDTH == 32 && size >= 16) {
            __m128i v = _mm_set1_epi8((char)c);
            _mm_storeu_si128((void *)d, v), _mm_storeu_si128((void *)(d + size - 16), v);
        } else if (size >= 8) {
            store8(d, word), store8(d + size - 8, word);
        } else if (size >= 4) {
            store4(d, (uint32_t)word), store4(d + size - 4, (uint32_t)word);
        } else if (size >= 2) {
            store2(d, (uint16_t)word), store2(d + size - 2, (uint16_t)word);
        } else if (size) {
            *d = (char)c;
        }
        return to;
    }
    vector v = splat(c);
    char *end = d + size;
    store(d, v), store(end - WIDTH, v);
    if (size <= 2 * WIDTH) return to;
    store(d + WIDTH, v), store(end - 2 * WIDTH, v);
    if (size <= 4 * WIDTH) return to;
    if (size >= LARGE) {
        void *target = d;
        __asm__ volatile("rep stosb" : "+D"(target), "+c"(size) : "a"(c) : "memory");
        return to;
    }
    store(end - 3 * WIDTH, v), store(end - 4 * WIDTH, v);
    for (char *p = d + 2 * WIDTH - ((uintptr_t)d & (WIDTH - 1)); p < end - 4 * WIDTH; p += 4 * WIDTH)
        store(p, v), store(p + WIDTH, v), store(p + 2 * WIDTH, v), store(p + 3 * WIDTH, v);
    return to;
}

static inline int differ(const unsigned char *a, const unsigned char *b, mask equal) {
    unsigned at = (unsigned)__builtin_ctz(~equal);
    return a[at] - b[at];
}

WEAK int memcmp(const void *left, const void *right, size_t size) {
    const unsigned char *a = left, *b = right;
    if (size < WIDTH) {
        if (WIDTH == 32 && size >= 16) {
            unsigned equal = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const void *)a), _mm_loadu_si128((const void *)b)));
            if (equal != 0xFFFF) return differ(a, b, equal);
            a += size - 16, b += size - 16;
            equal = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const void *)a), _mm_loadu_si128((const void *)b)));
            return equal == 0xFFFF ? 0 : differ(a, b, equal);
        }
        uint64_t x, y;
        if (size >= 8) {
            x = load8(a), y = load8(b);
            if (x == y) x = load8(a + size - 8), y = load8(b + size - 8);
        } else if (size >= 4) {
            x = load4(a) | (uint64_t)load4(a + size - 4) << 32, y = load4(b) | (uint64_t)load4(b + size - 4) << 32;
        } else if (size >= 2) {
            x = load2(a) | (uint64_t)a[size - 1] << 16, y = load2(b) | (uint64_t)b[size - 1] << 16;
        } else {
            return size ? *a - *b : 0;
        }
        x = __builtin_bswap64(x), y = __builtin_bswap64(y);
        return x < y ? -1 : x > y;
    }
    const unsigned char *end = a + size;
    mask equal;
    while (end - a >= 4 * WIDTH) {
        vector one = same(load(a), load(b)), two = same(load(a + WIDTH), load(b + WIDTH));
        vector three = same(load(a + 2 * WIDTH), load(b + 2 * WIDTH)), four = same(load(a + 3 * WIDTH), load(b + 3 * WIDTH));
        if (bits(both(both(one, two), both(three, four))) != ALL) break;
        a += 4 * WIDTH, b += 4 * WIDTH;
    }
    for (; end - a >= WIDTH; a += WIDTH, b += WIDTH)
        if ((equal = bits(same(load(a), load(b)))) != ALL) return differ(a, b, equal);
    if (a == end) return 0;
    b -= WIDTH - (end - a), a = end - WIDTH;
    equal = bits(same(load(a), load(b)));
    return equal == ALL ? 0 : differ(a, b, equal);
}

WEAK extern __typeof__(memcmp) bcmp __attribute__((alias("memcmp")));

static inline const char *aligned(const void *p) { return (const char *)((uintptr_t)p & -(uintptr_t)WIDTH); }

WEAK size_t strlen(const char *text) {
    vector zero = splat(0);
    const char *p = aligned(text);
    mask found = bits(same(load_aligned(p), zero)) >> (text - p);
    if (found) return (size_t)__builtin_ctz(found);
    for (p += WIDTH; (uintptr_t)p & (4 * WIDTH - 1); p += WIDTH)
        if ((found = bits(same(load_aligned(p), zero)))) return (size_t)(p - text) + (size_t)__builtin_ctz(found);
    for (;; p += 4 * WIDTH) {
        vector a = load_aligned(p), b = load_aligned(p + WIDTH), c = load_aligned(p + 2 * WIDTH), e = load_aligned(p + 3 * WIDTH);
        if (bits(same(least(least(a, b), least(c, e)), zero))) break;
    }
    while (!(found = bits(same(load_aligned(p), zero)))) p += WIDTH;
    return (size_t)(p - text) + (size_t)__builtin_ctz(found);
}

WEAK void *memchr(const void *memory, int c, size_t size) {
    if (!size) return 0;
    vector wanted = splat(c);
    const char *start = memory, *p = aligned(start);
    mask found = bits(same(load_aligned(p), wanted)) >> (start - p);
    if (found) {
        size_t at = (size_t)__builtin_ctz(found);
        return at < size ? (void *)(start + at) : 0;
    }
    // No end beyond the address space.
    const char *end = size > (size_t)(UINTPTR_MAX - (uintptr_t)start) ? (const char *)UINTPTR_MAX : start + size;
    for (p += WIDTH; p < end && (uintptr_t)p & (4 * WIDTH - 1); p += WIDTH)
        if ((found = bits(same(load_aligned(p), wanted)))) goto seen;
    for (; p < end && end - p >= 4 * WIDTH; p += 4 * WIDTH) {
        vector a = same(load_aligned(p), wanted), b = same(load_aligned(p + WIDTH), wanted);
        vector e = same(load_aligned(p + 2 * WIDTH), wanted), f = same(load_aligned(p + 3 * WIDTH), wanted);
        if (bits(either(either(a, b), either(e, f)))) break;
    }
    for (; p < end; p += WIDTH)
        if ((found = bits(same(load_aligned(p), wanted)))) goto seen;
    return 0;
seen:
    p += __builtin_ctz(found);
    return p < end ? (void *)p : 0;
}

WEAK void *memrchr(const void *memory, int c, size_t size) {
    const char *start = memory, *p = start + size;
    vector wanted = splat(c);
    while (p - start >= WIDTH) {
        p -= WIDTH;
        mask found = bits(same(load(p), wanted));
        if (found) return (void *)(p + 31 - __builtin_clz(found));
    }
    while (p > start)
        if (*--p == (char)c) return (void *)p;
    return 0;
}

WEAK size_t strnlen(const char *text, size_t size) {
    const char *end = memchr(text, 0, size);
    return end ? (size_t)(end - text) : size;
}

WEAK char *strchrnul(const char *text, int c) {
    vector wanted = splat(c), zero = splat(0);
    const char *p = aligned(text);
    vector v = load_aligned(p);
    mask found = bits(either(same(v, wanted), same(v, zero))) >> (text - p);
    if (found) return (char *)text + __builtin_ctz(found);
    for (;;) {
        p += WIDTH;
        v = load_aligned(p);
        if ((found = bits(either(same(v, wanted), same(v, zero))))) return (char *)p + __builtin_ctz(found);
    }
}

WEAK char *strchr(const char *text, int c) {
    char *found = strchrnul(text, c);
    return *found == (char)c ? found : 0;
}

WEAK char *strrchr(const char *text, int c) { return memrchr(text, c, strlen(text) + 1); }

// Whether a vector at either address would reach into the next page.
static inline int near_page_end(const void *a, const void *b) {
    return ((uintptr_t)a & 4095) > 4096 - WIDTH || ((uintptr_t)b & 4095) > 4096 - WIDTH;
}

static inline int compare(const char *left, const char *right, size_t size) {
    const unsigned char *a = (const void *)left, *b = (const void *)right;
    vector zero = splat(0);
    while (size) {
        if (near_page_end(a, b)) {
            if (*a != *b || !*a) return *a - *b;
            a++, b++, size--;
            continue;
        }
        vector v = load(a);
        mask stop = bits(same(v, zero)) | (bits(same(v, load(b))) ^ ALL);
        if (stop) {
            size_t at = (size_t)__builtin_ctz(stop);
            return at < size ? a[at] - b[at] : 0;
        }
        if (size <= WIDTH) return 0;
        a += WIDTH, b += WIDTH, size -= WIDTH;
    }
    return 0;
}

WEAK int strcmp(const char *left, const char *right) { return compare(left, right, SIZE_MAX); }
WEAK int strncmp(const char *left, const char *right, size_t size) { return compare(left, right, size); }

WEAK char *stpcpy(char *to, const char *from) {
    size_t size = strlen(from);
    memmove(to, from, size + 1);
    return to + size;
}

WEAK char *strcpy(char *to, const char *from) { return memmove(to, from, strlen(from) + 1); }

// The names by which musl's own functions call these.
WEAK extern __typeof__(memrchr) __memrchr __attribute__((alias("memrchr")));
WEAK extern __typeof__(strchrnul) __strchrnul __attribute__((alias("strchrnul")));
WEAK extern __typeof__(stpcpy) __stpcpy __attribute__((alias("stpcpy")));
