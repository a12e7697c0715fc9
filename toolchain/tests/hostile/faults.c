// Ends in the way that its argument names.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRAMPOLINE ((long (*)(const uint64_t *))0x10000)

static uint8_t data[64] = {0xc3};
static volatile int sink;

__attribute__((noinline)) static int deep(int n) {
    volatile char frame[1000];
    frame[n % 1000] = 1;
    return deep(n + 1) + frame[n % 1000];
}

static long trap(uint64_t id, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    const uint64_t words[6] = {id, 0, a, b, c, d};
    return TRAMPOLINE(words);
}

__attribute__((noinline)) static void read_at(uint64_t address) { sink = *(volatile int *)address; }
__attribute__((noinline)) static void write_at(uint64_t address) { *(volatile int *)address = 1; }
__attribute__((noinline)) static void call_at(uint64_t address) { ((void (*)(void))address)(); }

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    uint64_t number = argc > 2 ? strtoull(argv[2], 0, 0) : 0;
    setvbuf(stdout, 0, _IONBF, 0);
    if (!strcmp(how, "read")) read_at(number);
    if (!strcmp(how, "write")) write_at(number);
    if (!strcmp(how, "call")) call_at(number);
    if (!strcmp(how, "call-data")) call_at((uint64_t)data);
    if (!strcmp(how, "write-text")) write_at((uint64_t)main);
    if (!strcmp(how, "recursion")) sink = deep(0);
    if (!strcmp(how, "loop")) for (;;) sink++;
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "exit")) exit((int)number);
    if (!strcmp(how, "raise")) raise((int)number);
    if (!strcmp(how, "divide")) sink = 7 / (int)number;
    if (!strcmp(how, "illegal")) __asm__ volatile("ud2");
    if (!strcmp(how, "breakpoint")) __asm__ volatile("int3");
    if (!strcmp(how, "stack-pointer")) __asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(number));
    // A trap whose words are not memory of the program's.
    if (!strcmp(how, "trap-words")) sink = (int)TRAMPOLINE((const uint64_t *)number);
    if (!strcmp(how, "trap-id")) sink = (int)trap(number, 0, 0, 0, 0);
    if (!strcmp(how, "trap-slot")) sink = ((int (*)(void))(0x10000 + number))();
    if (!strcmp(how, "trap-buffer")) {
        const uint64_t read = 0x64616552, write = 0x74697257, jail = 0x6c69614a, unjail = 0x6c6a6e55;
        const uint64_t bad[] = {0, 0x10000, 0xfffff000, 0xfffffffc, 0x100000000, 0x7fffffff0000, ~0ull - 8};
        for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
            printf("%ld %ld ", trap(read, 0, bad[i], 16, 0), trap(write, 1, bad[i], 16, 0));
            printf("%ld ", trap(write, 1, (uint64_t)data, ~0ull - i, 0));
            printf("%ld %ld\n", trap(jail, bad[i], 4096, 0, 0) < 0 ? -1L : 0L, trap(unjail, bad[i], 4096, 0, 0) < 0 ? -1L : 0L);
        }
        printf("%ld %ld\n", trap(read, 99, (uint64_t)data, 1, 0), trap(write, ~0ull, (uint64_t)data, 1, 0));
        // Text is no place to read into.
        printf("%ld %ld\n", trap(read, 0, (uint64_t)main & ~31ull, 32, 0), trap(unjail, 0x20000, 4096, 0, 0) < 0 ? -1L : 0L);
    }
    if (!strcmp(how, "stdin")) return getchar() != EOF;
    if (!strcmp(how, "memory")) {
        unsigned long blocks = 0;
        void *volatile block;
        while ((block = malloc(1 << 20))) blocks++;
        printf("%d %d\n", blocks > 0, errno == ENOMEM);
    }
    return 0;
}
