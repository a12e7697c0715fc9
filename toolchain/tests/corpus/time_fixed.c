#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <time.h>
int main(void) {
    time_t t[] = {0, 86399, 951782400, 1370454582, 1709164800, 4102444800, -1};
    for (int i = 0; i < 7; i++) { struct tm m; char b[80]; gmtime_r(&t[i], &m); strftime(b, sizeof b, "%Y-%m-%d %H:%M:%S %a %b %j %U %y %e %I %p", &m); printf("%s %d %d\n", b, m.tm_wday, timegm(&m) == t[i]); }
    struct tm m = {.tm_year = 124, .tm_mon = 13, .tm_mday = 35, .tm_hour = 25}; time_t u = timegm(&m); char b[64]; strftime(b, 64, "%F %T", gmtime(&u)); printf("%s %.0f\n", b, difftime(u, t[3]));
    struct tm p; memset(&p, 0, sizeof p); char *rest = strptime("2021-03-04 05:06:07 x", "%Y-%m-%d %H:%M:%S", &p); printf("%d %d %d [%s]\n", p.tm_year, p.tm_mon, p.tm_sec, rest);
    struct timespec a, c; clock_gettime(CLOCK_MONOTONIC, &a); struct timespec nap = {0, 2000000}; nanosleep(&nap, 0); clock_gettime(CLOCK_MONOTONIC, &c); printf("%d %d\n", (c.tv_sec - a.tv_sec) * 1000000000L + c.tv_nsec - a.tv_nsec >= 2000000, time(0) > 1000000000);
    return 0;
}
