// Searches with Oniguruma, whose matcher is one function with computed gotos.
#include <oniguruma.h>
#include <stdio.h>
#include <string.h>

static int name(const UChar *start, const UChar *end, int count, int *groups, regex_t *regex, void *arg) {
    (void)regex, (void)arg;
    printf("  %.*s:", (int)(end - start), start);
    for (int i = 0; i < count; i++) printf(" %d", groups[i]);
    puts("");
    return 0;
}

static void search(const char *pattern, OnigOptionType options, OnigEncoding encoding, OnigSyntaxType *syntax, const char *text) {
    regex_t *regex;
    OnigErrorInfo info;
    const UChar *p = (const UChar *)pattern, *t = (const UChar *)text, *end = t + strlen(text);
    int status = onig_new(&regex, p, p + strlen(pattern), options, encoding, syntax, &info);
    printf("/%s/ in \"%s\"\n", pattern, text);
    if (status != ONIG_NORMAL) {
        UChar said[ONIG_MAX_ERROR_MESSAGE_LEN];
        onig_error_code_to_str(said, status, &info);
        printf("  %s\n", said);
        return;
    }
    onig_foreach_name(regex, name, NULL);
    OnigRegion *region = onig_region_new();
    for (const UChar *from = t; from <= end;) {
        int at = onig_search(regex, t, end, from, end, region, ONIG_OPTION_NONE);
        if (at < 0) {
            printf("  status %d\n", at == ONIG_MISMATCH ? -1 : at);
            break;
        }
        for (int i = 0; i < region->num_regs; i++)
            printf("  %d: %d to %d%s", i, region->beg[i], region->end[i], i + 1 < region->num_regs ? "" : "\n");
        from = t + region->end[0] + (region->end[0] == at);
    }
    onig_region_free(region, 1);
    onig_free(regex);
}

int main(void) {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8, ONIG_ENCODING_ASCII};
    onig_initialize(encodings, 2);
    printf("Oniguruma %s\n", onig_version());
    OnigEncoding utf8 = ONIG_ENCODING_UTF8;
    OnigSyntaxType *ruby = ONIG_SYNTAX_RUBY;
    search("a(.*)b|[e-f]+", 0, ONIG_ENCODING_ASCII, ruby, "zzzzaffffffffbzz");
    search("(?<year>\\d{4})-(?<month>\\d\\d)", 0, utf8, ruby, "from 2013-06 to 2026-11");
    search("(?<paren>\\((?:[^()]|\\g<paren>)*\\))", 0, utf8, ruby, "f(a(b)c) + (()");
    search("\\p{Greek}+|\\p{Han}", 0, utf8, ruby, "abc αβγ 漢字");
    search("STRASSE", ONIG_OPTION_IGNORECASE, utf8, ruby, "die Straße");
    search("(?<=foo)bar(?!baz)", 0, utf8, ONIG_SYNTAX_PERL_NG, "foobarbaz foobar");
    search("(a+)+$", 0, utf8, ruby, "aaaaaaaaaaaaaaaaaaaaaaab");
    search("(?i)(k)\\1\\K.", 0, utf8, ONIG_SYNTAX_PERL_NG, "kKx");
    search("\\X", 0, utf8, ruby, "e\xCC\x81x");
    search("(a", 0, utf8, ruby, "a");
    search("[z-a]", 0, utf8, ruby, "a");
    search("\\(ab\\)*\\1", 0, utf8, ONIG_SYNTAX_POSIX_BASIC, "ababab");
    onig_end();
    return 0;
}
