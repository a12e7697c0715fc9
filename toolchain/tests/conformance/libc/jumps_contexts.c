#include "../show.h"
#include <setjmp.h>
static jmp_buf place;
static int deep(int n) {
    if (n == 0) longjmp(place, 42);
    return deep(n - 1) + 1;
}
int main(void) {
    volatile int kept = 1;
    int from = setjmp(place);
    if (!from) { kept = 5; deep(100); }
    printf("%d %d\n", from, kept);
    for (volatile int i = 0; i < 5; i++)
        if (setjmp(place) < 3) { static int n; longjmp(place, ++n % 4); }
    puts("done");
    return 0;
}
