#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>
int main(void) {
    printf("[%5d|%-5d|%05d|%+d|% d|%x|%X|%#x|%o|%#o]\n", 42, 42, 42, 42, 42, 255, 255, 255, 8, 8);
    printf("[%hhd|%hd|%ld|%lld|%zu|%td|%jd]\n", (signed char)300, (short)70000, -1L, 1LL << 62, (size_t)9, (ptrdiff_t)-3, (intmax_t)7);
    printf("[%f|%.0f|%10.3f|%-10.2e|%g|%G|%a|%.3g|%#.0f]\n", 3.14159, 2.5, -1.5, 12345.678, 1e-5, 1e20, 1.0, 0.00012345, 3.0);
    printf("[%s|%.3s|%10s|%-10s|%c|%%|%5c]\n", "str", "truncate", "right", "left", 'c', 'd');
    printf("[%*d|%-*d|%.*f]\n", 6, 1, 6, 2, 2, 1.23456); int n; printf("count%n", &n); printf(" %d\n", n);
    printf("[%2$s %1$s]\n", "world", "hello"); printf("[%p]\n", (void *)0); printf("%.30f\n%.20e\n", 0.1, 1e-300);
    char b[16]; printf("%d [%s]\n", snprintf(b, sizeof b, "%s", "longer than sixteen"), b); printf("%ls|%lc\n", L"wide", (wint_t)L'w');
    int i, j; char s[20]; float f; double d; unsigned x; long l;
    printf("%d ", sscanf("12 0x1f word 3.5 -7e2 ff 99", "%d %i %19s %f %lf %x %ld", &i, &j, s, &f, &d, &x, &l)); printf("%d %d %s %.1f %.1f %x %ld\n", i, j, s, (double)f, d, x, l);
    char set[10]; printf("%d %s\n", sscanf("abc123", "%9[a-c]%*d", set), set);
    return 0;
}
