#include "../show.h"
#include <assert.h>
#include <err.h>
#include <signal.h>
int main(void) {
    for (int i = 0; i < 10; i++) puts(strerror(i));
    char text[64];
    SHOW(strerror_r(ENOENT, text, sizeof text));
    puts(text);
    puts(strsignal(SIGSEGV));
    errno = ENOENT;
    printf("%m\n");
    return 0;
}
