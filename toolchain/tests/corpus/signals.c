#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static volatile sig_atomic_t seen, last; static void on(int s) { seen++; last = s; }
static void info(int s, siginfo_t *i, void *c) { seen += 10; last = s * 100 + (i->si_signo == s) + (c != 0) * 2; }
int main(void) {
    signal(SIGUSR1, on); raise(SIGUSR1); printf("%d %d\n", seen, last == SIGUSR1); struct sigaction a, old; memset(&a, 0, sizeof a); a.sa_sigaction = info; a.sa_flags = SA_SIGINFO; sigaction(SIGUSR2, &a, 0); kill(getpid(), SIGUSR2); printf("%d %d\n", seen, last == SIGUSR2 * 100 + 3);
    sigset_t s, p; sigemptyset(&s); sigaddset(&s, SIGUSR1); sigprocmask(SIG_BLOCK, &s, 0); raise(SIGUSR1); sigpending(&p); printf("%d %d\n", seen, sigismember(&p, SIGUSR1)); sigprocmask(SIG_UNBLOCK, &s, 0); printf("%d\n", seen);
    signal(SIGUSR1, SIG_IGN); raise(SIGUSR1); sigaction(SIGUSR1, 0, &old); printf("%d %d %d\n", seen, old.sa_handler == SIG_IGN, kill(getpid(), 0)); int r = sigaction(SIGKILL, &a, 0); printf("%d %d\n", r, errno == EINVAL);
    return 0;
}
