#include <stdio.h>
extern _Thread_local int counter; extern _Thread_local long zeroed[16]; extern _Thread_local struct { char name[8]; double d; } record; int bump(int); int *where(void);
static _Thread_local int local = 41; _Thread_local unsigned char bytes[5] = {1, 2, 3, 4, 5};
int main(void) {
    for (int i = 0; i < 5; i++) { bump(i); local += i; zeroed[i * 3] = local; bytes[i] ^= (unsigned char)local; }
    printf("%d %d %ld %s %.2f %d\n", counter, local, zeroed[12], record.name, record.d, where() == &counter);
    for (int i = 0; i < 5; i++) printf("%d ", bytes[i]);
    volatile int k = 9; zeroed[k]++; record.d *= k; printf("%ld %.2f\n", zeroed[9], record.d);
    return 0;
}
