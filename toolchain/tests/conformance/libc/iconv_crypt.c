#include "../show.h"
#include <crypt.h>
#include <iconv.h>
int main(void) {
    iconv_t conversion = iconv_open("UTF-8", "ISO-8859-1");
    WORKS((intptr_t)conversion);
    char in[] = "gr\xfc\xdf", out[32] = "", *from = in, *to = out;
    size_t left = 4, room = 31;
    SHOW(iconv(conversion, &from, &left, &to, &room));
    puts(out);
    SHOW(iconv_close(conversion));
    WORKS((intptr_t)iconv_open("UTF-8", "no-such-set"));
    puts(crypt("password", "$1$salt$"));
    puts(crypt("password", "$6$saltstring"));
    return 0;
}
