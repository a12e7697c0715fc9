// Double shifts of 16 bits, which clang makes of shorts, by constants and by variables; gcc's come from assembly.
#include <stdint.h>
#include <stdio.h>

static uint16_t left8(uint16_t a, uint16_t b) { return (uint16_t)(a << 8 | b >> 8); }
static uint16_t right3(uint16_t a, uint16_t b) { return (uint16_t)(a >> 3 | b << 13); }

static __attribute__((noinline)) uint16_t left(uint16_t a, uint16_t b, unsigned n) {
    n &= 15;
    return n ? (uint16_t)(a << n | b >> (16 - n)) : a;
}

#define SHIFT(instruction, count)                                                                        \
    do {                                                                                                 \
        uint64_t to = x, from = y;                                                                       \
        __asm__(instruction " $" #count ", %w1, %w0" : "+r"(to) : "r"(from) : "cc");                     \
        printf(" %016llx", (unsigned long long)to);                                                      \
    } while (0)
#define SHIFT_CL(instruction, count)                                                                     \
    do {                                                                                                 \
        uint64_t to = x, from = y;                                                                       \
        __asm__(instruction " %%cl, %w1, %w0" : "+r"(to) : "r"(from), "c"(count) : "cc");                \
        printf(" %016llx", (unsigned long long)to);                                                      \
    } while (0)

int main(void) {
    uint64_t x = 0x123456789abcdef1, y = 0xfedcba9876543210;
    for (int round = 0; round < 4; round++) {
        SHIFT("shldw", 1);
        SHIFT("shldw", 8);
        SHIFT("shldw", 15);
        SHIFT("shrdw", 1);
        SHIFT("shrdw", 7);
        SHIFT("shrdw", 15);
        for (unsigned count = 0; count < 16; count += 3) {
            SHIFT_CL("shldw", count);
            SHIFT_CL("shrdw", count);
        }
        puts("");
        printf("%04x %04x %04x\n", left8((uint16_t)x, (uint16_t)y), right3((uint16_t)x, (uint16_t)y), left((uint16_t)x, (uint16_t)y, (unsigned)(x >> 7)));
        x = x * 6364136223846793005u + 1, y = y * 6364136223846793005u + 3;
    }
    // A loop as bzip2's: the short at each place, walking backwards.
    static uint8_t bytes[300];
    static uint32_t counts[65536];
    for (int i = 0; i < 300; i++) bytes[i] = (uint8_t)(i * i + 7 * i);
    uint16_t pair = (uint16_t)(bytes[0] << 8);
    for (int i = 299; i >= 0; i--) {
        pair = (uint16_t)(pair >> 8 | (uint16_t)(bytes[i] << 8));
        counts[pair]++;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 65536; i++) sum = sum * 31 + counts[i] * i;
    printf("%08x\n", sum);
}
