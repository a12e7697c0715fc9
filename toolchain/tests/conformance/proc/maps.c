#include "../show.h"
int main(void) {
    FILE *file = fopen("/proc/self/maps", "r");
    char line[512], access[5];
    unsigned long start, end, last = 0;
    int code = 0, stack = 0, sorted = 1, lines = 0;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx %4s", &start, &end, access) != 3) return 1;
        sorted &= start >= last && end > start;
        last = end, lines++;
        code |= (uintptr_t)main >= start && (uintptr_t)main < end && access[2] == 'x' && access[1] == '-';
        stack |= (uintptr_t)line >= start && (uintptr_t)line < end && access[1] == 'w' && access[2] == '-';
    }
    printf("%d %d %d %d\n", code, stack, sorted, lines > 3);
    return 0;
}
