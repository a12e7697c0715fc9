// Each thread has its own mask; pthread_kill interrupts one; sigwait takes what all block.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>
static sem_t ready;
static pthread_t handled_in;
static int fds[2];
static void handle(int number) { handled_in = pthread_self(); }
static void *reads(void *argument) {
    char byte;
    sem_post(&ready);
    long got = read(fds[0], &byte, 1);
    return (void *)(long)(got < 0 ? -errno : byte);
}
static void *waits(void *argument) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    int number = 0;
    sem_post(&ready);
    sigwait(&set, &number);
    return (void *)(long)number;
}
int main(void) {
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, 0);
    sem_init(&ready, 0, 0);
    pipe(fds);
    pthread_t thread;
    void *result;
    pthread_create(&thread, 0, reads, 0);
    sem_wait(&ready);
    usleep(20000);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, &result);
    printf("%d %d\n", (long)result == -EINTR, pthread_equal(handled_in, thread) != 0);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, 0);
    pthread_create(&thread, 0, reads, 0);
    sem_wait(&ready);
    usleep(20000);
    pthread_kill(thread, SIGUSR1);
    usleep(20000);
    write(fds[1], "x", 1);
    pthread_join(thread, &result);
    printf("%c %d\n", (char)(long)result, pthread_equal(handled_in, thread) != 0);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    pthread_create(&thread, 0, waits, 0);
    sem_wait(&ready);
    usleep(20000);
    kill(getpid(), SIGUSR2);
    pthread_join(thread, &result);
    printf("%d\n", (long)result == SIGUSR2);
    raise(SIGUSR2);
    sigpending(&set);
    printf("%d %d\n", sigismember(&set, SIGUSR2), sigismember(&set, SIGUSR1));
    return 0;
}
