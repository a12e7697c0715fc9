//#cflags: -fstack-protector-strong -fcf-protection -fno-omit-frame-pointer -ffunction-sections
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) static int copy(const char *s) { char b[32]; strncpy(b, s, sizeof b - 1); b[31] = 0; return (int)strlen(b) * b[0]; }
__attribute__((noinline)) static int by_switch(int x) { switch (x) { case 0: return 3; case 1: return 1; case 2: return 4; case 3: return 1; case 4: return 5; case 5: return 9; default: return 2; } }
int main(void) { int s = 0; for (int i = 0; i < 9; i++) s = s * 10 + by_switch(i); printf("%d %d %d\n", copy("guarded"), copy("another string that is too long for it"), s); return 0; }
