/* People walk at random through a town; who stands near the ill falls ill. Everything that makes a program's runs differ takes part: the
 * generator is seeded by the system, four threads draw from it in the order in which they come, and at the end the program tells the
 * time and an address of the heap. */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { PEOPLE = 2000, ILL_AT_FIRST = 10, DAYS = 60, ILL_DAYS = 9, THREADS = 4, BATCH = 50, TOWN = 100 };
static const double NEAR = 2, RISK = 0.1, STEP = 1.0;

struct person {
    double x, y;
    int ill;    /* 0 never yet, above it days to go, -1 immune */
    int caught; /* today */
};

static struct person *people[PEOPLE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static uint64_t state;
static int taken, turns[THREADS];

/* splitmix64; one generator for all threads. */
static uint64_t draw(void)
{
    pthread_mutex_lock(&lock);
    uint64_t z = state += 0x9e3779b97f4a7c15;
    pthread_mutex_unlock(&lock);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double uniform(void) { return (double)(draw() >> 11) * 0x1p-53; }

static double wrap(double x) { return x - TOWN * floor(x / TOWN); }

static void walk(struct person *p)
{
    double length = STEP * sqrt(-2 * log(1 - uniform())), angle = 2 * M_PI * uniform();
    p->x = wrap(p->x + length * cos(angle));
    p->y = wrap(p->y + length * sin(angle));
}

static void meet(struct person *p)
{
    for (int i = 0; i < PEOPLE; i++) {
        const struct person *q = people[i];
        double dx = fabs(p->x - q->x), dy = fabs(p->y - q->y);
        dx = fmin(dx, TOWN - dx);
        dy = fmin(dy, TOWN - dy);
        if (q->ill > 0 && dx * dx + dy * dy < NEAR * NEAR && uniform() < RISK) {
            p->caught = 1;
            return;
        }
    }
}

/* Threads take the people in batches: who is quicker does more. */
static int take(int thread)
{
    pthread_mutex_lock(&lock);
    int first = taken;
    if (first < PEOPLE) {
        taken += BATCH;
        turns[thread]++;
    }
    pthread_mutex_unlock(&lock);
    sched_yield();
    return first;
}

static void each(int thread, void (*act)(struct person *), int ill)
{
    pthread_barrier_wait(&barrier);
    if (thread == 0)
        taken = 0;
    pthread_barrier_wait(&barrier);
    for (int first; (first = take(thread)) < PEOPLE;)
        for (int i = first; i < first + BATCH; i++)
            if (ill || people[i]->ill == 0)
                act(people[i]);
    pthread_barrier_wait(&barrier);
}

static void count(int day)
{
    int counts[3] = {0};
    for (int i = 0; i < PEOPLE; i++) {
        struct person *p = people[i];
        if (p->ill > 0 && --p->ill == 0)
            p->ill = -1;
        if (p->caught)
            p->ill = ILL_DAYS;
        p->caught = 0;
        counts[p->ill == 0 ? 0 : p->ill > 0 ? 1 : 2]++;
    }
    if (day % 6 == 0) {
        printf("day %2d  healthy %4d  ill %4d  immune %4d  ", day, counts[0], counts[1], counts[2]);
        for (int i = 0; i < counts[1]; i += 20)
            putchar('#');
        putchar('\n');
    }
}

static void *work(void *argument)
{
    int thread = (int)(intptr_t)argument;
    for (int day = 1; day <= DAYS; day++) {
        each(thread, walk, 1);
        each(thread, meet, 0);
        if (thread == 0)
            count(day);
    }
    return NULL;
}

/* FNV-1a. */
static uint64_t digest(uint64_t hash, const void *bytes, size_t size)
{
    for (const unsigned char *p = bytes; size--; p++)
        hash = (hash ^ *p) * 0x100000001b3;
    return hash;
}

int main(void)
{
    if (getrandom(&state, sizeof state, 0) != sizeof state) {
        perror("getrandom");
        return 1;
    }
    printf("seed %016" PRIx64 "\n", state);
    for (int i = 0; i < PEOPLE; i++) {
        people[i] = malloc(sizeof *people[i]);
        if (!people[i]) {
            perror("malloc");
            return 1;
        }
        *people[i] = (struct person){TOWN * uniform(), TOWN * uniform(), i < ILL_AT_FIRST ? ILL_DAYS : 0, 0};
    }
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (intptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i)) {
            fputs("no thread\n", stderr);
            return 1;
        }
    uint64_t hash = 0xcbf29ce484222325;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("batches of each thread:");
    for (int i = 0; i < THREADS; i++)
        printf(" %d", turns[i]);
    putchar('\n');
    for (int i = 0; i < PEOPLE; i++)
        hash = digest(hash, people[i], sizeof *people[i]);
    printf("digest %016" PRIx64 "\n", digest(hash, turns, sizeof turns));
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(stderr, "the clock says %lld.%09ld, the first person lives at %p\n", (long long)now.tv_sec, now.tv_nsec, (void *)people[0]);
    return 0;
}
