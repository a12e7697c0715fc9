// Two frames, locals in registers and on the stack, and a wait for input, so that a debugger can come first.
#include <stdio.h>
#include <string.h>

struct point {
    int x, y;
};

__attribute__((noinline)) int inner(const char *name, struct point *p) {
    int length = (int)strlen(name); /* line 10 */
    p->x += length;
    p->y -= length; /* line 12 */
    return p->x * p->y;
}

__attribute__((noinline)) int outer(const char *name, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        struct point p = {i, 2 * i};
        switch (i % 5) {
        case 0: sum += inner(name, &p); break;
        case 1: sum -= inner(name, &p); break;
        case 2: sum ^= p.y; break;
        case 3: sum += 3; break;
        default: sum++; break;
        }
    }
    return sum;
}

int main(void) {
    char line[64];
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) return 1;
    printf("%d\n", outer(line, 7));
    return 0;
}
