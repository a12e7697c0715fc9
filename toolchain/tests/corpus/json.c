#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct value { enum { NUL, BOOL, NUM, STR, ARR, OBJ } kind; double num; char *str; struct value *child, *next; char *key; };
static const char *p; static struct value *parse(void);
static void ws(void) { while (isspace((unsigned char)*p)) p++; }
static char *string(void) { char *s = malloc(strlen(p) + 1), *o = s; for (p++; *p != '"'; p++) { if (*p == '\\') switch (*++p) { case 'n': *o++ = '\n'; break; case 't': *o++ = '\t'; break; case 'u': { unsigned c = (unsigned)strtoul((char[]){p[1], p[2], p[3], p[4], 0}, 0, 16); p += 4; if (c < 128) *o++ = (char)c; else if (c < 2048) { *o++ = (char)(0xc0 | c >> 6); *o++ = (char)(0x80 | (c & 63)); } else { *o++ = (char)(0xe0 | c >> 12); *o++ = (char)(0x80 | (c >> 6 & 63)); *o++ = (char)(0x80 | (c & 63)); } break; } default: *o++ = *p; } else *o++ = *p; } p++; *o = 0; return s; }
static struct value *list(struct value *v, char end) { struct value **tail = &v->child; for (p++, ws(); *p != end; ws()) { char *key = 0; if (end == '}') { key = string(); ws(); p++; } *tail = parse(); (*tail)->key = key; tail = &(*tail)->next; ws(); if (*p == ',') { p++; ws(); } } p++; return v; }
static struct value *parse(void) { ws(); struct value *v = calloc(1, sizeof *v); switch (*p) { case '{': v->kind = OBJ; return list(v, '}'); case '[': v->kind = ARR; return list(v, ']'); case '"': v->kind = STR; v->str = string(); return v; case 't': v->kind = BOOL; v->num = 1; p += 4; return v; case 'f': v->kind = BOOL; p += 5; return v; case 'n': p += 4; return v; default: v->kind = NUM; char *e; v->num = strtod(p, &e); p = e; return v; } }
static void print(const struct value *v) { if (v->key) printf("%s:", v->key); switch (v->kind) { case NUL: printf("null"); break; case BOOL: printf(v->num ? "true" : "false"); break; case NUM: printf("%g", v->num); break; case STR: printf("'%s'", v->str); break; default: putchar(v->kind == ARR ? '[' : '{'); for (const struct value *c = v->child; c; c = c->next) { print(c); if (c->next) putchar(' '); } putchar(v->kind == ARR ? ']' : '}'); } }
static int count(const struct value *v) { int n = 1; for (const struct value *c = v->child; c; c = c->next) n += count(c); return n; }
int main(void) {
    p = "{\"name\": \"z\\u00e9ro \\\"vm\\\"\", \"list\": [1, -2.5e3, true, null, [], {}], \"deep\": {\"a\": {\"b\": {\"c\": [0.125]}}}, \"u\": \"\\u20ac\"}"; struct value *v = parse(); print(v); printf("\n%d\n", count(v));
    char *big = malloc(200000), *o = big; *o++ = '['; for (int i = 0; i < 5000; i++) o += sprintf(o, "%s{\"id\":%d,\"x\":[%d,%d.5]}", i ? "," : "", i, i * 2, i); *o++ = ']'; *o = 0; p = big; v = parse(); double s = 0; for (struct value *c = v->child; c; c = c->next) s += c->child->num * c->child->next->child->next->num; printf("%d %.1f\n", count(v), s);
    return 0;
}
