// Several mappings of one file, and what calls do to the file under them.
#include "../show.h"
#include <sys/mman.h>
enum { PAGE = 4096 };
static int filled(const char *name) {
    char page[PAGE];
    memset(page, 'o', PAGE);
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 4; i++) write(fd, page, PAGE);
    return fd;
}
static char *map(int fd, int pages, int prot) { return mmap(0, pages * PAGE, prot, MAP_SHARED, fd, 0); }
static void file(const char *what, int fd, long offset) {
    char c = 0;
    pread(fd, &c, 1, offset);
    printf("%s: %c\n", what, c ? c : '0');
}
static void memory(const char *what, char c) { printf("%s: %c\n", what, c ? c : '0'); }

static void reader(void) {
    int fd = filled("reader");
    char *r = map(fd, 4, PROT_READ), *none = map(fd, 4, PROT_NONE);
    pwrite(fd, "W", 1, PAGE + 7);
    memory("a reader after pwrite", r[PAGE + 7]);
    mprotect(none, 4 * PAGE, PROT_READ);
    memory("and one that could not read", none[PAGE + 7]);
    // Bytes that are written to the file from its own mapping.
    pwrite(fd, r + PAGE, 8, 2 * PAGE);
    memory("copied within", r[2 * PAGE + 7]);
}
static void two(void) {
    int fd = filled("two");
    char *a = map(fd, 1, PROT_READ | PROT_WRITE), *b = map(fd, 4, PROT_READ | PROT_WRITE), *r = map(fd, 4, PROT_READ);
    a[10] = 'A', b[11] = 'B', b[5000] = 'C';
    msync(a, PAGE, MS_SYNC), msync(b, 4 * PAGE, MS_SYNC);
    file("the first's", fd, 10), file("the second's", fd, 11), file("and far", fd, 5000);
    memory("seen by the other", a[11]), memory("seen by the other", b[10]), memory("seen by a reader", r[5000]);
    a[12] = 'D';
    munmap(b, 4 * PAGE), munmap(a, PAGE);
    file("unmapped", fd, 10), file("unmapped", fd, 12);
    memory("a reader", r[12]);
}
static void protected(void) {
    int fd = filled("protected");
    char *p = map(fd, 4, PROT_READ);
    SHOW(mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE));
    p[1] = 'N';
    SHOW(msync(p, 4 * PAGE, MS_SYNC));
    file("writable later", fd, 1);
    p[2] = 'M';
    SHOW(mprotect(p + PAGE, PAGE, PROT_NONE));
    SHOW(munmap(p, 4 * PAGE));
    file("a part hidden", fd, 2);
    int only = open("protected", O_RDONLY);
    p = map(only, 1, PROT_READ);
    SHOW(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    char *own = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, only, 0);
    SHOW(mprotect(own, PAGE, PROT_READ | PROT_WRITE));
}
static void cut(void) {
    int fd = filled("cut");
    char *p = map(fd, 4, PROT_READ | PROT_WRITE);
    p[0] = 'x', p[2 * PAGE] = 'x';
    ftruncate(fd, PAGE + 100);
    ftruncate(fd, 4 * PAGE);
    memory("before the cut", p[0]), memory("at the cut", p[PAGE + 99]), memory("behind it", p[PAGE + 100]), memory("far behind", p[2 * PAGE]);
    p[3 * PAGE] = 'n';
    munmap(p, 4 * PAGE);
    file("before", fd, 0), file("behind", fd, PAGE + 100), file("far behind", fd, 2 * PAGE), file("new", fd, 3 * PAGE);
    fd = filled("cut");
    p = map(fd, 4, PROT_READ | PROT_WRITE);
    p[1] = 'x';
    int again = open("cut", O_RDWR | O_TRUNC);
    write(again, "short", 5);
    ftruncate(again, 4 * PAGE);
    memory("written again", p[0]), memory("behind", p[5]);
    munmap(p, 4 * PAGE);
    file("written again", fd, 1), file("behind", fd, 5), file("far behind", fd, PAGE);
}
static void holes(void) {
    int fd = filled("holes");
    char *p = map(fd, 4, PROT_READ | PROT_WRITE);
    p[0] = 'x', p[PAGE] = 'x';
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE)) pwrite(fd, (char[PAGE]){0}, PAGE, PAGE);
    memory("beside the hole", p[0]), memory("in the hole", p[PAGE]), memory("behind it", p[2 * PAGE]);
    p[PAGE + 1] = 'y';
    munmap(p, 4 * PAGE);
    file("beside", fd, 0), file("in the hole", fd, PAGE), file("stored since", fd, PAGE + 1);
}
static void moved(void) {
    int fd = filled("moved");
    char *p = map(fd, 4, PROT_READ | PROT_WRITE);
    p[PAGE + 5] = 'b';
    char *place = mmap(0, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *q = mremap(p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    SHOW(q == place);
    memory("came along", q[5]);
    q[7] = 'Z', p[1] = 'f', p[2 * PAGE + 1] = 'l';
    msync(q, PAGE, MS_SYNC), msync(p, PAGE, MS_SYNC), msync(p + 2 * PAGE, 2 * PAGE, MS_SYNC);
    file("the part", fd, PAGE + 7), file("before it", fd, 1), file("behind it", fd, 2 * PAGE + 1);
    munmap(p, PAGE), munmap(p + 2 * PAGE, 2 * PAGE);
    // Larger: the file goes on in what is new.
    q = mremap(q, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
    memory("kept", q[7]), memory("more", q[PAGE + 1]);
    q[2 * PAGE] = 'e';
    munmap(q, 3 * PAGE);
    file("the end", fd, 3 * PAGE);
    q = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    q = mremap(q, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
    memory("a private one, larger", q[2 * PAGE]);
}
static void discarded(void) {
    int fd = filled("discarded");
    char *r = mmap(0, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0), *p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SHOW(madvise(r, 4 * PAGE, MADV_DONTNEED));
    memory("read again", r[5]);
    p[5] = 'p', p[PAGE] = 'p', p[2 * PAGE] = 'p';
    munmap(p + PAGE, PAGE);
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    memory("the file's", p[5]), memory("the program's", p[2 * PAGE]);
    SHOW(madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED));
    memory("the file's", p[2 * PAGE]);
    char *s = mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    s[9] = 's', p[9] = 'p', p[2 * PAGE] = 'p';
    SHOW(madvise(p, 3 * PAGE, MADV_DONTNEED));
    memory("kept", s[9]), memory("below", p[8]), memory("above", p[2 * PAGE]);
    munmap(p, 4 * PAGE);
    file("stored", fd, 9);
}
int main(void) {
    reader();
    two();
    protected();
    cut();
    holes();
    moved();
    discarded();
    return 0;
}
