// A program's own malloc, without all that belongs to it, and its own memcpy: they are the program's and the C library's.
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char pool[1 << 20];
static size_t used, calls, copies;
void *malloc(size_t size) {
    calls++;
    size = (size + 31) & ~(size_t)15;
    if (size > sizeof pool - used) return 0;
    size_t *block = (size_t *)(pool + used);
    used += size;
    block[0] = size - 16;
    return block + 2;
}
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t size) {
    void *block = malloc(count * size);
    return block ? memset(block, 0, count * size) : 0;
}
void *realloc(void *old, size_t size) {
    void *block = malloc(size);
    if (block && old) {
        size_t kept = ((size_t *)old)[-2];
        memmove(block, old, kept < size ? kept : size);
    }
    return block;
}
void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    copies++;
    for (size_t i = 0; i < size; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}
static int inside(const void *p) { return (const char *)p >= pool && (const char *)p < pool + sizeof pool; }
int main(void) {
    char *line = 0, *copy = strdup("a copy");
    size_t size = 0;
    setlocale(LC_ALL, "C.UTF-8");
    FILE *file = tmpfile();
    fprintf(file, "%s\n", copy);
    rewind(file);
    long got = getline(&line, &size, file);
    printf("%ld %d %d %d\n", got, inside(line), inside(copy), inside(file));
    char *text = 0;
    FILE *stream = open_memstream(&text, &size);
    for (int i = 0; i < 1000; i++) fprintf(stream, "%d ", i);
    fclose(stream);
    printf("%zu %d\n", size, inside(text));
    void *(*volatile call)(void *restrict, const void *restrict, size_t) = memcpy;
    size_t before = copies;
    call(text, "x", 2);
    printf("%d %s\n", copies == before + 1, text);
    qsort(text, 1, 1, (int (*)(const void *, const void *))strcmp);
    printf("%d\n", calls > 5);
    return 0;
}
