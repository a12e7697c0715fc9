// Vectors of more bytes than there is memory, and sizes beyond a buffer's end: what there is is moved, once.
#include "../show.h"
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <pthread.h>

enum { PART = 1 << 20, PARTS = 1000, BLOCKING = 3 };
static int ends[2];
static struct iovec parts[PARTS + 25];
static unsigned char *bytes;
static long total, wrong;

static void *read_all(void *unused) {
    static unsigned char piece[70000];
    long count;
    while ((count = read(ends[0], piece, sizeof piece)) > 0) {
        for (long i = 0; i < count; i++, total++) wrong += piece[i] != bytes[total % PART];
    }
    return 0;
}

static void blocking(const char *what) {
    pthread_t reader;
    total = wrong = 0;
    pthread_create(&reader, 0, read_all, 0);
    SHOW(writev(ends[1], parts, BLOCKING));
    close(ends[1]);
    pthread_join(reader, 0);
    printf("%s: %ld came, %ld wrong\n", what, total, wrong);
    close(ends[0]);
}

int main(void) {
    char *room = mmap(0, PART + 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(room + PART + 4096, 4096);
    bytes = (unsigned char *)room + 4096;
    for (int i = 0; i < PART; i++) bytes[i] = i * 7 + i / 256;
    for (int i = 0; i < PARTS + 25; i++) parts[i] = (struct iovec){bytes, PART};
    pipe2(ends, O_NONBLOCK);
    SHOW(writev(ends[1], parts, PARTS));
    SHOW(writev(ends[1], parts, PARTS));
    SHOW(writev(ends[1], parts, PARTS + 25));
    static char piece[70000];
    SHOW(read(ends[0], piece, sizeof piece));
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
    WORKS(writev(ends[1], parts, PARTS));
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = PARTS};
    WORKS(sendmsg(ends[0], &message, 0));
    WORKS(recvmsg(ends[1], &message, 0));
    message.msg_iovlen = PARTS + 25;
    SHOW(recvmsg(ends[1], &message, 0));
    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends);
    message.msg_iovlen = PARTS;
    SHOW(sendmsg(ends[0], &message, 0));
    SHOW(writev(ends[0], parts, PARTS));
    SHOW(recvmsg(ends[1], &message, 0));
    pipe(ends);
    blocking("pipe");
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    blocking("socket");

    make("f", "hello, this is a file\n");
    int file = open("f", O_RDWR);
    char *last = (char *)bytes + PART - 5;
    SHOW(read(file, last, 4096));
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(read(file, last, INT32_MAX));
    SHOW(read(file, last + 5, 1));
    SHOW(read(file, last, INT64_MAX));
    SHOW(read(file, last, SIZE_MAX));
    SHOW(write(file, last, 4096));
    SHOW(pread(file, bytes, 5, INT64_MAX));
    SHOW(pread(file, bytes, 5, -1));
    SHOW(pwrite(file, bytes, 5, INT64_MAX - 2));
    struct iovec two[] = {{last, 5}, {last + 5, 10}}, one = {bytes, SIZE_MAX}, long_one = {last, INT64_MAX};
    SHOW(preadv(file, two, 2, 0));
    SHOW(preadv(file, two, 1, INT64_MAX));
    SHOW(readv(file, &one, 1));
    SHOW(preadv(file, &long_one, 1, 0));
    SHOW(pwritev(file, two, 2, 0));
    SHOW(getrandom(last, 100, 0));
    SHOW(getrandom(last + 5, 1, 0));
    pipe2(ends, O_NONBLOCK);
    SHOW(write(ends[1], last + 5, 100));
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
    write(ends[1], "1234567", 7);
    SHOW(recv(ends[0], bytes, SIZE_MAX, 0));
    SHOW(recv(ends[0], bytes, 0, 0));
    SHOW(read(ends[0], bytes, 0));
    SHOW(recv(ends[0], bytes, 1, 0));
    SHOW(sendfile(ends[1], file, 0, SIZE_MAX));
    off_t far = INT64_MAX;
    SHOW(sendfile(ends[1], file, &far, 5));
    SHOW(lseek(file, INT64_MAX, SEEK_END));
    SHOW(lseek(file, INT64_MIN, SEEK_END));
    SHOW(mmap(0, 8192, PROT_READ, MAP_PRIVATE, file, INT64_MIN) == MAP_FAILED);
    SHOW(posix_fadvise(file, 0, -1, POSIX_FADV_NORMAL));
    struct timeval never = {INT64_MAX, 0}, kept;
    socklen_t size = sizeof kept;
    SHOW(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never));
    SHOW(getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &kept, &size));
    printf("%ld %ld\n", (long)kept.tv_sec, (long)kept.tv_usec);
    return 0;
}
