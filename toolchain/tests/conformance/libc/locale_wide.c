#include "../show.h"
#include <langinfo.h>
#include <locale.h>
#include <wchar.h>
#include <wctype.h>
int main(void) {
    puts(setlocale(LC_ALL, "C.UTF-8") ? "set" : "not set");
    wchar_t wide[32];
    SHOW(mbstowcs(wide, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac", 32));
    SHOW(wcslen(wide));
    char text[64];
    SHOW(wcstombs(text, wide, 64));
    puts(text);
    SHOW(towupper(L'\xfc') == L'\xdc');
    SHOW(iswalpha(L'\xdf') != 0);
    SHOW(mblen("\xe2\x82\xac", 3));
    SHOW(mbtowc(wide, "\xff", 1));
    SHOW(wcscmp(L"a", L"b") < 0);
    printf("%ls %lc\n", L"\x20ac", L'\xe9');
    puts(nl_langinfo(CODESET));
    return 0;
}
