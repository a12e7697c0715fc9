// Stores, writes, cuts and moves in a random order over several mappings of one file: after each few, all see the same.
#include "../show.h"
#include <sys/mman.h>
enum { PAGE = 4096, PAGES = 8, MAPS = 5 };
static struct { char *at; long offset, size; int prot; } maps[MAPS];
static char bytes[PAGES * PAGE];
static long size;
static int fd;
static uint64_t seed = 7;
static long any(long bound) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % bound;
}
static uint64_t hash(uint64_t h, const char *p, long count) {
    for (long i = 0; i < count; i++) h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
    return h;
}
static long visible(int i) {
    long rest = size - maps[i].offset;
    return rest < 0 ? 0 : rest < maps[i].size ? rest : maps[i].size;
}
static void look(int round) {
    uint64_t h = hash(size, bytes, pread(fd, bytes, sizeof bytes, 0));
    int differ = 0;
    for (int i = 0; i < MAPS; i++)
        if (maps[i].at && visible(i)) differ += memcmp(maps[i].at, bytes + maps[i].offset, visible(i)) != 0;
    printf("%d: %ld %llx %d\n", round, size, (unsigned long long)h, differ);
}
static void map(int i) {
    maps[i].size = (1 + any(4)) * PAGE, maps[i].offset = any(5) * PAGE;
    maps[i].prot = any(3) ? PROT_READ | PROT_WRITE : PROT_READ;
    maps[i].at = mmap(0, maps[i].size, maps[i].prot, MAP_SHARED, fd, maps[i].offset);
}
static void unmap(int i) {
    long part = any(maps[i].size / PAGE) * PAGE;
    if (!part) {
        munmap(maps[i].at, maps[i].size);
        maps[i].at = 0;
    } else if (any(2)) {
        munmap(maps[i].at, part);
        maps[i].at += part, maps[i].offset += part, maps[i].size -= part;
    } else {
        munmap(maps[i].at + part, maps[i].size - part);
        maps[i].size = part;
    }
}
static void store(int i) {
    if (!(maps[i].prot & PROT_WRITE)) return;
    // Nobody can say which of two stores to one byte is the later one: each mapping has its own.
    for (int n = any(40); n > 0; n--) {
        long at = any(maps[i].size);
        at -= (at + maps[i].offset + MAPS - i) % MAPS;
        if (at >= 0 && at < visible(i)) maps[i].at[at] = any(256);
    }
}
static void resize(void) {
    size = any(4) ? any(PAGES * PAGE) : any(PAGES + 1) * PAGE;
    ftruncate(fd, size);
}
static void overwrite(void) {
    static char text[6000];
    long count = 1 + any(sizeof text), at = any(PAGES * PAGE - count);
    memset(text, 'a' + any(26), count);
    pwrite(fd, text, count, at);
    if (size < at + count) size = at + count;
}
static void hole(void) {
    long count = 1 + any(6000), at = any(PAGES * PAGE - count);
    if (!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, count) || at >= size) return;
    pwrite(fd, (char[6001]){0}, at + count < size ? count : size - at, at);
}
static void move(int i) {
    long wanted = (1 + any(3)) * PAGE;
    maps[i].at = mremap(maps[i].at, maps[i].size, wanted, MREMAP_MAYMOVE);
    maps[i].size = wanted;
}
static void private(void) {
    if (!size) return;
    char *p = mmap(0, sizeof bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    p[any(size)] ^= 1;
    madvise(p, sizeof bytes, MADV_DONTNEED);
    pread(fd, bytes, sizeof bytes, 0);
    if (memcmp(p, bytes, size)) puts("a private mapping differs");
    munmap(p, sizeof bytes);
}
int main(void) {
    fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int round = 0; round < 6000; round++) {
        int i = any(MAPS);
        long what = any(20);
        if (!maps[i].at) map(i);
        else if (what < 9) store(i);
        else if (what < 11) unmap(i);
        else if (what < 13) overwrite();
        else if (what < 14) resize();
        else if (what < 15) hole();
        else if (what < 16) move(i);
        else if (what < 17) msync(maps[i].at, maps[i].size, MS_SYNC);
        else if (what < 18) private();
        else mprotect(maps[i].at, maps[i].size, maps[i].prot = any(2) ? PROT_READ : PROT_READ | PROT_WRITE);
        if (!any(3)) look(round);
    }
    return 0;
}
