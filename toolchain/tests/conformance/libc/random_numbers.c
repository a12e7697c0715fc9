#include "../show.h"
#include <sys/random.h>
int main(void) {
    srand(42);
    printf("%d %d\n", rand(), rand());
    srandom(42);
    printf("%ld %ld\n", random(), random());
    srand48(42);
    printf("%f %ld\n", drand48(), lrand48());
    unsigned seed = 7;
    printf("%d\n", rand_r(&seed));
    char bytes[64];
    SHOW(getrandom(bytes, sizeof bytes, 0));
    SHOW(getrandom(bytes, sizeof bytes, GRND_NONBLOCK));
    SHOW(getrandom(bytes, 1, 99));
    SHOW(getentropy(bytes, 64));
    SHOW(getentropy(bytes, 300));
    return 0;
}
