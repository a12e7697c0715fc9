#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
static unsigned char buf[4096], ref[4096];
int main(void) {
    unsigned h = 0;
    for (int len = 0; len < 200; len += 7) for (int off = 0; off < 17; off += 3) for (int dst = 0; dst < 40; dst += 13) {
        for (int i = 0; i < 512; i++) buf[i] = ref[i] = (unsigned char)(i * 31 + len);
        memmove(buf + dst, buf + off, (size_t)len);
        if (dst <= off) for (int i = 0; i < len; i++) ref[dst + i] = ref[off + i]; else for (int i = len; i-- > 0;) ref[dst + i] = ref[off + i];
        if (memcmp(buf, ref, 512)) printf("memmove %d %d %d\n", len, off, dst);
        memset(buf + off, len, (size_t)len); for (int i = 0; i < 512; i++) h = h * 33 + buf[i];
    }
    printf("%u\n", h);
    for (int n = 0; n < 70; n++) { memset(buf, 'x', 100); buf[n + 3] = 0; if (strlen((char *)buf + 3) != (size_t)n || memchr(buf + 3, 0, 100) != buf + n + 3) printf("strlen %d\n", n); }
    char s[100] = "the quick brown fox"; strcat(s, " jumps"); strncat(s, " over the lazy dog", 5);
    printf("[%s] %s %s %s %zu %zu\n", s, strstr(s, "brown"), strchr(s, 'q') + 1, strrchr(s, 'o'), strspn(s, "eht "), strcspn(s, "xyz"));
    printf("%d %d %d %d\n", strcmp("abc", "abd") < 0, strncmp("abc", "abd", 2), strcasecmp("HeLLo", "hEllO"), strcoll("b", "a") > 0);
    char *save, line[] = "a,b;;c,d"; for (char *t = strtok_r(line, ",;", &save); t; t = strtok_r(0, ",;", &save)) printf("<%s>", t);
    char *d = strdup("dup"), *m = memccpy(buf, "stop here", 'h', 20); printf(" %s %d %s\n", d, (int)(m - (char *)buf), strpbrk("hello", "lx")); free(d);
    printf("%ld %lu %ld %.6f %d\n", strtol("-0x1fZ", 0, 16), strtoul("0777", 0, 0), atol("  42abc"), strtod("-1.5e3xyz", 0), (int)strnlen("abcdef", 3));
    char *end; strtod("0x1.8p3 rest", &end); printf("[%s] %g %g %g\n", end, strtod("inf", 0), strtod("1e400", 0), strtod("4.9e-324", 0));
    return 0;
}
