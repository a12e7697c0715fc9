//#status: 143
#include "../show.h"
#include <signal.h>
int main(void) { puts("before"); kill(getpid(), SIGTERM); puts("after"); return 0; }
