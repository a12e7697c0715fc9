// search.h: hash tables, trees, lists, arrays.
#include "../show.h"
#include <search.h>
static int order(const void *a, const void *b) { return strcmp(a, b); }
static void visit(const void *node, VISIT when, int depth) {
    if (when == postorder || when == leaf) printf("%s ", *(const char *const *)node);
}
int main(void) {
    static char keys[300][8];
    hcreate(100);
    for (long i = 0; i < 300; i++) {
        sprintf(keys[i], "k%ld", i * 7919 % 1000);
        if (!hsearch((ENTRY){keys[i], (void *)i}, ENTER)) puts("full");
    }
    long sum = 0;
    for (int i = 0; i < 300; i++) {
        ENTRY *e = hsearch((ENTRY){keys[i], 0}, FIND);
        sum += e ? (long)e->data : -1000000;
    }
    printf("%ld %d\n", sum, hsearch((ENTRY){"none", 0}, FIND) == 0);
    hdestroy();
    void *root = 0;
    for (int i = 0; i < 12; i++) tsearch(keys[i], &root, order);
    for (int i = 0; i < 12; i += 3) tdelete(keys[i], &root, order);
    twalk(root, visit);
    printf("%d %d\n", tfind(keys[1], &root, order) != 0, tfind(keys[3], &root, order) != 0);
    tdestroy(root, (void (*)(void *))strlen);
    struct link { struct link *next, *back; int value; } one = {0, 0, 1}, two = {0, 0, 2}, three = {0, 0, 3};
    insque(&one, 0), insque(&two, &one), insque(&three, &one);
    for (struct link *l = &one; l; l = l->next) printf("%d ", l->value);
    remque(&three);
    for (struct link *l = &one; l; l = l->next) printf("%d ", l->value);
    puts("");
    return 0;
}
