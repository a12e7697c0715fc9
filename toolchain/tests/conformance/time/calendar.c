#include "../show.h"
#include <time.h>
int main(void) {
    time_t when = 951782400 + 3661;
    struct tm tm;
    char text[128];
    gmtime_r(&when, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %j %U %a %b", &tm);
    puts(text);
    SHOW(timegm(&tm) == when);
    tm = (struct tm){.tm_year = 70, .tm_mon = 14, .tm_mday = 32, .tm_hour = 25};
    printf("%lld\n", (long long)timegm(&tm));
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    when = 1720000000;
    localtime_r(&when, &tm);
    strftime(text, sizeof text, "%F %T %z %Z", &tm);
    puts(text);
    when = 1700000000;
    localtime_r(&when, &tm);
    strftime(text, sizeof text, "%F %T %z %Z", &tm);
    puts(text);
    SHOW(mktime(&tm) == when);
    char *end = strptime("2021-02-03 04:05:06", "%Y-%m-%d %H:%M:%S", &tm);
    printf("%d %d %d %d\n", *end, tm.tm_year, tm.tm_mon, tm.tm_sec);
    when = -1;
    gmtime_r(&when, &tm);
    printf("%s", asctime_r(&tm, text));
    return 0;
}
