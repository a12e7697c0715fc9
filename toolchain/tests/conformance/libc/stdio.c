#include "../show.h"
int main(void) {
    char text[128];
    FILE *file = fopen("f", "w+");
    SHOW(fprintf(file, "%5.2f|%-6d|%06x|%s|%c|%+ld|%%|%e\n", 3.14159, 42, 255, "text", 'c', 7L, 12345.678));
    fputs("second\nthird", file);
    SHOW(ftell(file));
    rewind(file);
    printf("%s", fgets(text, sizeof text, file));
    SHOW(fseek(file, 3, SEEK_CUR));
    SHOW(fgetc(file));
    SHOW(ungetc('x', file));
    SHOW(getc(file));
    SHOW(fread(text, 1, 100, file));
    SHOW(feof(file) != 0);
    clearerr(file);
    SHOW(fseek(file, 0, SEEK_SET));
    char *line = 0;
    size_t size = 0;
    SHOW(getline(&line, &size, file));
    SHOW(getdelim(&line, &size, 'c', file));
    fclose(file);
    SHOW((intptr_t)fopen("none/x", "r"));
    SHOW((intptr_t)fopen("f", "q"));
    file = fopen("f", "a");
    fputs("!", file), fclose(file);
    file = fopen("f", "rx");
    fseek(file, -1, SEEK_END);
    SHOW(fgetc(file));
    file = freopen("g", "w", file);
    SHOW(fwrite("12345678", 4, 2, file));
    SHOW(fclose(file));
    print_file("g");
    return 0;
}
