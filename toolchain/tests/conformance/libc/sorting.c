#include "../show.h"
#include <search.h>
static int compare(const void *a, const void *b) { return *(int *)a - *(int *)b; }
static int sum;
static void add(const void *node, VISIT visit, int depth) { if (visit == postorder || visit == leaf) sum += **(int **)node; }
int main(void) {
    int values[1000], key = 500;
    unsigned seed = 1;
    for (int i = 0; i < 1000; i++) values[i] = (seed = seed * 1103515245 + 12345) >> 16 & 1023;
    qsort(values, 1000, sizeof *values, compare);
    int sorted = 1;
    for (int i = 1; i < 1000; i++) sorted &= values[i - 1] <= values[i];
    printf("%d %d\n", sorted, values[500]);
    key = values[300];
    SHOW(*(int *)bsearch(&key, values, 1000, sizeof *values, compare) == key);
    void *root = 0;
    for (int i = 0; i < 100; i++) tsearch(&values[i * 10], &root, compare);
    twalk(root, add);
    printf("%d\n", sum);
    SHOW(hcreate(50) != 0);
    ENTRY entry = {"key", "value"};
    hsearch(entry, ENTER);
    puts(hsearch((ENTRY){"key", 0}, FIND)->data);
    return 0;
}
