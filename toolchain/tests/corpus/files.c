#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static int by(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
int main(void) {
    char dir[] = "/tmp/zvmXXXXXX", line[64]; if (!mkdtemp(dir) || chdir(dir)) return 1;
    FILE *f = fopen("a.txt", "w"); for (int i = 0; i < 1000; i++) fprintf(f, "line %d\n", i); printf("%ld\n", ftell(f)); fclose(f);
    f = fopen("a.txt", "r+"); fseek(f, 700, SEEK_SET); fputs("HERE", f); fseek(f, -10, SEEK_CUR); printf("%s", fgets(line, sizeof line, f)); printf("%s", fgets(line, sizeof line, f));
    fseek(f, 0, SEEK_END); long end = ftell(f); rewind(f); int c = fgetc(f); ungetc('Z', f); int z = fgetc(f); printf("%ld %c %c %d\n", end, c, z, feof(f)); fclose(f);
    f = fopen("a.txt", "a"); fputs("tail\n", f); fclose(f); struct stat st; stat("a.txt", &st); printf("%ld %d %o\n", (long)st.st_size, S_ISREG(st.st_mode), st.st_mode & 0777 & ~022);
    int fd = open("b", O_RDWR | O_CREAT | O_EXCL, 0600); int r = open("b", O_CREAT | O_EXCL, 0600); printf("%d %d\n", r, errno == EEXIST);
    pwrite(fd, "0123456789", 10, 5); ftruncate(fd, 12); char b[20]; ssize_t got = pread(fd, b, 20, 0); printf("%zd %d %.7s\n", got, b[0], b + 5); lseek(fd, 100, SEEK_SET); write(fd, "x", 1); fstat(fd, &st); printf("%ld\n", (long)st.st_size);
    int d2 = dup(fd); lseek(fd, 6, SEEK_SET); read(d2, b, 2); printf("%.2s %d\n", b, fcntl(d2, F_GETFL) & O_ACCMODE); close(fd); close(d2); r = (int)read(fd, b, 1); printf("%d %d\n", r, errno == EBADF);
    mkdir("sub", 0755); r = mkdir("sub", 0755); printf("%d %d ", r, errno == EEXIST); printf("%d\n", rename("b", "sub/c")); symlink("sub/c", "link"); memset(b, 0, sizeof b); got = readlink("link", b, sizeof b); printf("%zd %s ", got, b); stat("link", &st); printf("%ld ", (long)st.st_size); r = lstat("link", &st); printf("%d\n", r == 0 && S_ISLNK(st.st_mode));
    r = rmdir("sub"); int full = errno == ENOTEMPTY || errno == EEXIST; printf("%d %d %d\n", r, full, access("none", F_OK)); char *names[16]; int n = 0; DIR *d = opendir("."); for (struct dirent *e; (e = readdir(d));) names[n++] = strdup(e->d_name); closedir(d);
    qsort(names, (size_t)n, sizeof *names, by); for (int i = 0; i < n; i++) printf("%s ", names[i]); puts("");
    int r1 = unlink("sub/c"), r2 = rmdir("sub"), r3 = unlink("link"), r4 = unlink("nothing"); printf("%d %d %d %d\n", r1, r2, r3, r4); FILE *t = tmpfile(); fputs("temporary", t); rewind(t); printf("%s\n", fgets(line, 64, t)); fclose(t);
    printf("%d\n", open("/no/such/file", O_RDONLY)); perror("open"); f = fopen("a.txt", "r"); char *gl = 0; size_t cap = 0; ssize_t k = getline(&gl, &cap, f); printf("%zd %s", k, gl); setvbuf(f, 0, _IONBF, 0); printf("%d\n", fgetc(f)); fclose(f); free(gl);
    unlink("a.txt"); chdir("/"); printf("%d\n", rmdir(dir));
    return 0;
}
