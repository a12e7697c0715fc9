#include "../show.h"
#include <wchar.h>
int main(void) {
    char *text, buffer[32] = "";
    size_t size;
    FILE *file = open_memstream(&text, &size);
    fprintf(file, "grows %d", 12345);
    fflush(file);
    printf("%s %zu\n", text, size);
    fclose(file);
    file = fmemopen(buffer, sizeof buffer, "w+");
    fputs("fixed", file);
    rewind(file);
    int a = 0;
    fscanf(file, "f%*[ix]e%c", (char *)&a);
    printf("%c\n", a);
    fclose(file);
    int x, y;
    char word[16];
    printf("%d", sscanf("12 0x1f word rest", "%d %x %15s", &x, (unsigned *)&y, word));
    printf(" %d %d %s\n", x, y, word);
    printf("%d\n", sscanf("x", "%d", &x));
    SHOW(snprintf(buffer, 5, "%s", "truncated"));
    puts(buffer);
    return 0;
}
