#include "../show.h"
#include <strings.h>
int main(void) {
    char text[64] = "one,two,,three", *save, *token;
    for (token = strtok_r(text, ",", &save); token; token = strtok_r(0, ",", &save)) printf("%s.", token);
    char *rest = strcpy(text, "a:b::c");
    while ((token = strsep(&rest, ":"))) printf("[%s]", token);
    putchar('\n');
    SHOW(strspn("aabbc", "ab"));
    SHOW(strcspn("aabbc", "c"));
    SHOW(strpbrk("hello", "lo") - "hello" > 100);
    SHOW(strcasecmp("HeLLo", "hEllO"));
    SHOW(strncmp("abc", "abd", 2));
    SHOW(strcmp("a", "b") < 0);
    SHOW(strstr("needle in hay", "in h") != 0);
    SHOW(memmem("a\0b\0c", 5, "b\0c", 3) != 0);
    SHOW((char *)memrchr("abcabc", 'b', 6) != 0);
    SHOW(strnlen("12345", 3));
    SHOW(strlcpy(text, "too long for it", 8));
    puts(text);
    SHOW(strtol("  -0x1fz", &token, 16));
    puts(token);
    SHOW(strtol("99999999999999999999", 0, 10) == 0x7fffffffffffffff && errno == ERANGE);
    printf("%g %g %g\n", strtod("1e-3x", &token), strtod("inf", 0), strtod("0x1.8p1", 0));
    return 0;
}
