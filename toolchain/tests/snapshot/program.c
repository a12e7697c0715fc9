/* State of every kind in front of the snapshot, and what is left of it, and what is new, behind it. */
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <zvm.h>

static __thread int local = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int go;

static void *waits(void *number) {
    local = *(int *)number;
    pthread_mutex_lock(&lock);
    while (!go) pthread_cond_wait(&turn, &lock);
    pthread_mutex_unlock(&lock);
    printf("thread %d\n", local);
    return 0;
}

/* A file's text, with blanks for zeros and without the last byte. */
static void show(const char *name, const char *path) {
    char text[300] = "";
    int file = open(path, O_RDONLY);
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    for (ssize_t at = 0; at + 1 < size; at++)
        if (!text[at]) text[at] = ' ';
    if (size > 0 && text[size - 1] == '\n') text[size - 1] = 0;
    printf("%s: %s\n", name, size < 0 ? "none" : text);
    close(file);
}

int main(int argc, char **argv) {
    struct timespec steady[2];
    char random[2][8];
    if (argc > 1 && !strcmp(argv[1], "ends")) return 3;
    local = 42;
    fesetround(FE_UPWARD);
    int *numbers = malloc(300000 * sizeof *numbers);
    for (int at = 0; at < 300000; at++) numbers[at] = at * 7;
    FILE *data = fopen("/data", "r"), *made = fopen("/made", "w+");
    char word[2][20];
    fscanf(data, "%19s", word[0]);
    fputs("written before", made);
    fflush(made);
    pthread_t thread;
    int five = 5;
    pthread_create(&thread, 0, waits, &five);
    usleep(1);
    getrandom(random[0], sizeof random[0], 0);
    clock_gettime(CLOCK_MONOTONIC, &steady[0]);
    printf("before\n");
    fflush(stdout);

    printf("snapshot: %d\n", zvm_snapshot());
    getrandom(random[1], sizeof random[1], 0);
    clock_gettime(CLOCK_MONOTONIC, &steady[1]);
    fscanf(data, "%19s", word[1]);
    printf("local %d, rounding %d, heap %d, file %s %s\n", local, fegetround() == FE_UPWARD, numbers[299999], word[0], word[1]);
    printf("random differs: %d, time goes on: %d\n", memcmp(random[0], random[1], 8) != 0, steady[1].tv_sec == steady[0].tv_sec && steady[1].tv_nsec > steady[0].tv_nsec);
    printf("random %02hhx%02hhx, year %ld\n", random[1][0], random[1][1], (long)time(0) / 31557600 + 1970);
    go = 1;
    pthread_cond_broadcast(&turn);
    pthread_join(thread, 0);
    show("made", "/made");
    show("arguments", "/proc/self/cmdline");
    show("environment", "/proc/self/environ");
    show("more", "/more/file");
    show("channel", "/dev/extra");
    FILE *out = fopen("/more/result", "w");
    if (out) fputs("of an instance\n", out), fclose(out);
    char line[100] = "none\n";
    fgets(line, sizeof line, stdin);
    printf("input: %s", line);
    fflush(stdout);
    show("fault", "/more/fault");
    if (!access("/more/fault", F_OK)) *(volatile int *)16 = 1;
    return 7;
}
