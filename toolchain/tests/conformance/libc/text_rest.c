// The string functions beside the common ones.
#include "../show.h"
#include <strings.h>
#include <wchar.h>
int main(void) {
    char text[100] = "a,b;;c , d", *rest, *p = text;
    for (char *t = strtok_r(text, ",; ", &rest); t; t = strtok_r(0, ",; ", &rest)) printf("[%s]", t);
    strcpy(text, "x::y:");
    while (p) printf("<%s>", strsep(&p, ":"));
    puts("");
    printf("%zu %zu %s %d\n", strspn("aabbc", "ab"), strcspn("hello, world", " ,"), strpbrk("key=value", "=:"), strpbrk("key", "=") == 0);
    printf("%s %d %s\n", strstr("the needle is here", "needle"), strstr("abc", "abd") == 0, strcasestr("Some TEXT", "text"));
    printf("%s %d\n", (char *)memmem("binary\0data", 11, "data", 4), memmem("abc", 3, "abcd", 4) == 0);
    char big[600];
    for (int i = 0; i < 599; i++) big[i] = "ab"[i % 7 == 3];
    strcpy(big + 500, "bbbbbbbbabbbbbbbaab");
    printf("%ld %ld\n", (long)(strstr(big, "bbbbbbbaab") - big), (long)((char *)memmem(big, 519, "abbbbbbbaab", 11) - big));
    printf("%d %d %d\n", strverscmp("file9", "file10") < 0, strverscmp("a01", "a1") < 0, strcasecmp("HeLLo", "hEllO"));
    printf("%d %d\n", strncasecmp("HELLO there", "hello you", 6), strncasecmp("HELLO there", "hello you", 7) < 0);
    strcpy(text, "ab");
    strncat(text, "cdefgh", 3);
    printf("%s %zu ", text, strlcpy(text, "truncated", 5));
    printf("%s %zu ", text, strlcat(text, "more", 6));
    puts(text);
    memset(text, 'x', 20);
    strncpy(text, "ab", 5);
    printf("%d %c\n", memcmp(text, "ab\0\0\0x", 6), text[5]);
    printf("%s\n", (char *)mempcpy(text, "12345", 6) - 3);
    printf("%ld\n", (long)((char *)memccpy(text, "stop:here", ':', 20) - text));
    bzero(text, 3), bcopy("moved", text + 1, 6);
    printf("%d %s %d %d\n", text[0], text + 1, ffs(0x50), ffsll(1LL << 40));
    swab("badcfe", text, 6);
    printf("%.6s %s\n", text, index("index", 'd'));
    printf("%s %s\n", strerror(ENOENT), strsignal(SIGSEGV));
    char *copy = strndup("only this much", 9);
    printf("%s|\n", copy);
    wchar_t wide[20];
    wcscpy(wide, L"wide");
    wcscat(wide, L" text");
    printf("%zu %d %ls %ls\n", wcslen(wide), wcscmp(wide, L"wide"), wcschr(wide, L't'), wcsstr(wide, L"de"));
    return 0;
}
