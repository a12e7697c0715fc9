#include "../show.h"
#include <malloc.h>
int main(void) {
    for (size_t alignment = 16; alignment <= 1 << 16; alignment *= 2) {
        void *a = aligned_alloc(alignment, alignment * 3), *b;
        int error = posix_memalign(&b, alignment, 100);
        if ((uintptr_t)a % alignment || error || (uintptr_t)b % alignment) puts("not aligned");
        memset(a, 1, alignment * 3);
        free(a), free(b);
    }
    SHOW(posix_memalign(&(void *){0}, 3, 10) == EINVAL);
    char *text = malloc(10);
    strcpy(text, "content");
    for (int i = 4; i < 24; i++) text = realloc(text, (size_t)1 << i);
    puts(text);
    text = realloc(text, 8);
    puts(text);
    printf("%d\n", malloc_usable_size(text) >= 8);
    unsigned *zeros = calloc(100000, sizeof *zeros), sum = 0;
    for (int i = 0; i < 100000; i++) sum |= zeros[i];
    printf("%u\n", sum);
    free(0);
    SHOW(malloc(0) != 0);
    SHOW(((uintptr_t)malloc(1) | (uintptr_t)malloc(17)) % 16);
    char *copy = strdup("copy"), *part = strndup("partial", 4), *made;
    SHOW(asprintf(&made, "%s-%s-%d", copy, part, 7));
    puts(made);
    SHOW(reallocarray(0, (size_t)-1, 2) == 0 && errno == ENOMEM);
    return 0;
}
