#include <ctype.h>
#include <locale.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
static const char *p; static double expr(void); static double atom(void) { while (*p == ' ') p++; if (*p == '(') { p++; double v = expr(); p++; return v; } if (*p == '-') { p++; return -atom(); } char *e; double v = strtod(p, &e); p = e; while (*p == ' ') p++; return v; }
static double term(void) { double v = atom(); while (*p == '*' || *p == '/') v = *p++ == '*' ? v * atom() : v / atom(); return v; } static double expr(void) { double v = term(); while (*p == '+' || *p == '-') v = *p++ == '+' ? v + term() : v - term(); return v; }
static int depth(const char *j) { int d = 0, most = 0, str = 0; for (; *j; j++) { if (*j == '"' && j[-1] != '\\') str ^= 1; if (str) continue; if (strchr("[{", *j)) { if (++d > most) most = d; } else if (strchr("]}", *j)) d--; } return d ? -1 : most; }
static size_t lz(const unsigned char *in, size_t n, unsigned char *out) { size_t o = 0; for (size_t i = 0; i < n;) { size_t best = 0, at = 0; for (size_t j = i > 255 ? i - 255 : 0; j < i; j++) { size_t k = 0; while (k < 255 && i + k < n && in[j + k] == in[i + k]) k++; if (k > best) best = k, at = i - j; } if (best > 3) { out[o++] = 0; out[o++] = (unsigned char)at; out[o++] = (unsigned char)best; i += best; } else { if (!in[i]) return 0; out[o++] = in[i++]; } } return o; }
static size_t unlz(const unsigned char *in, size_t n, unsigned char *out) { size_t o = 0; for (size_t i = 0; i < n;) if (in[i]) out[o++] = in[i++]; else { for (int k = 0; k < in[i + 2]; k++, o++) out[o] = out[o - in[i + 1]]; i += 3; } return o; }
int main(void) {
    p = "1 + 2 * (3 - 4.5) / -2 + 10"; printf("%.4f %d %d\n", expr(), depth("{\"a\":[1,{\"b\":\"]}\"},[[]]]}"), depth("[[]"));
    regex_t r; regmatch_t m[3]; regcomp(&r, "([a-z]+)@([a-z.]+)", REG_EXTENDED); const char *s = "mail bob@example.org now"; int rc = regexec(&r, s, 3, m, 0); printf("%d ", rc); printf("%.*s %.*s\n", (int)(m[1].rm_eo - m[1].rm_so), s + m[1].rm_so, (int)(m[2].rm_eo - m[2].rm_so), s + m[2].rm_so); printf("%d\n", regexec(&r, "nothing", 0, 0, 0) == REG_NOMATCH); regfree(&r);
    unsigned char text[2000], packed[4000], back[2000]; size_t n = 0; while (n < 1900) n += (size_t)sprintf((char *)text + n, "the %zu cat sat on the mat; ", n % 13); size_t k = lz(text, n, packed); size_t u = unlz(packed, k, back); printf("%d %d\n", k < n / 2, u == n && !memcmp(text, back, n));
    setlocale(LC_ALL, "C.UTF-8"); wchar_t w[32]; size_t c = mbstowcs(w, "h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80", 32); printf("%zu %x %x %x\n", c, (unsigned)w[1], (unsigned)w[6], (unsigned)w[8]); char mb[32]; size_t back_to = wcstombs(mb, w, 32); printf("%zu %d\n", back_to, (int)wcslen(w)); int up = 0; for (int i = 0; i < 256; i++) up += isupper(i) * 1 + isalpha(i) * 0 != 0; printf("%d %c %c %d\n", up, toupper('q'), tolower('Q'), isxdigit('g'));
    static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"; const char *src = "Many hands make light work."; for (size_t i = 0, l = strlen(src); i < l; i += 3) { unsigned v = (unsigned char)src[i] << 16 | (i + 1 < l ? (unsigned char)src[i + 1] << 8 : 0) | (i + 2 < l ? (unsigned char)src[i + 2] : 0); printf("%c%c%c%c", b64[v >> 18], b64[v >> 12 & 63], i + 1 < l ? b64[v >> 6 & 63] : '=', i + 2 < l ? b64[v & 63] : '='); } puts("");
    return 0;
}
