// poll waits for what another thread does.
#include "../show.h"
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
static int fds[2], event;
static sem_t seen;
static void *later(void *argument) {
    usleep(2000);
    write(fds[1], "x", 1);
    // However late the other one wakes.
    sem_wait(&seen);
    usleep(2000);
    eventfd_write(event, 5);
    return 0;
}
int main(void) {
    pipe(fds);
    event = eventfd(0, 0);
    pthread_t thread;
    pthread_create(&thread, 0, later, 0);
    struct pollfd entries[2] = {{fds[0], POLLIN}, {event, POLLIN}};
    SHOW(poll(entries, 2, -1));
    printf("%x %x\n", entries[0].revents, entries[1].revents);
    read(fds[0], (char[1]){0}, 1);
    sem_post(&seen);
    SHOW(poll(entries, 2, 10000));
    printf("%x %x\n", entries[0].revents, entries[1].revents);
    pthread_join(thread, 0);
    return 0;
}
