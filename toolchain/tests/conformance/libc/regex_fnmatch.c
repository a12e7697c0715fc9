#include "../show.h"
#include <fnmatch.h>
#include <regex.h>
#include <wordexp.h>
int main(void) {
    regex_t regex;
    regmatch_t match[3];
    SHOW(regcomp(&regex, "([a-z]+)=([0-9]{2,})", REG_EXTENDED));
    SHOW(regexec(&regex, "x = 1, key=1234;", 3, match, 0));
    printf("%d-%d %d-%d\n", match[1].rm_so, match[1].rm_eo, match[2].rm_so, match[2].rm_eo);
    SHOW(regexec(&regex, "key=1", 0, 0, 0) == REG_NOMATCH);
    regfree(&regex);
    SHOW(regcomp(&regex, "(", REG_EXTENDED) != 0);
    SHOW(fnmatch("*.[ch]", "file.c", 0));
    SHOW(fnmatch("a*b", "a/b", FNM_PATHNAME) == FNM_NOMATCH);
    return 0;
}
