//#status: 3
#include "../show.h"
static void quick(void) { write(1, "quick\n", 6); }
static void slow(void) { write(1, "slow\n", 5); }
int main(void) {
    atexit(slow), at_quick_exit(quick);
    quick_exit(3);
}
