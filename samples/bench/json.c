// Parsing: a JSON document is generated, parsed into a tree by recursive descent, walked, and written again.
#include "bench.h"

enum kind { NIL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT };

struct value {
    enum kind kind;
    double number;
    char *text;
    // Of an array or an object; an object's names are in `text` of a STRING before each value.
    struct value **items;
    size_t count, room;
};

static const char *at;

static void blanks(void) {
    while (*at == ' ' || *at == '\n' || *at == '\t') at++;
}

static void fail(const char *what) {
    fprintf(stderr, "JSON: %s at %.20s\n", what, at);
    exit(1);
}

static struct value *make(enum kind kind) {
    struct value *v = calloc(1, sizeof *v);
    v->kind = kind;
    return v;
}

static void push(struct value *to, struct value *item) {
    if (to->count == to->room) {
        to->room = to->room ? 2 * to->room : 4;
        to->items = realloc(to->items, to->room * sizeof *to->items);
    }
    to->items[to->count++] = item;
}

static struct value *string(void) {
    const char *end = ++at;
    while (*end != '"') end += *end == '\\' ? 2 : 1;
    struct value *v = make(STRING);
    char *out = v->text = malloc((size_t)(end - at) + 1);
    while (at < end) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        switch (at[1]) {
        case 'n': *out++ = '\n'; break;
        case 't': *out++ = '\t'; break;
        case '"':
        case '\\': *out++ = at[1]; break;
        default: fail("unknown escape");
        }
        at += 2;
    }
    *out = 0;
    at = end + 1;
    return v;
}

static struct value *parse(void) {
    blanks();
    switch (*at) {
    case '{':
    case '[': {
        struct value *v = make(*at == '{' ? OBJECT : ARRAY);
        char close = *at++ == '{' ? '}' : ']';
        for (blanks(); *at != close; blanks()) {
            if (v->kind == OBJECT) {
                if (*at != '"') fail("no name");
                push(v, string());
                blanks();
                if (*at++ != ':') fail("no colon");
            }
            push(v, parse());
            blanks();
            if (*at == ',') at++;
        }
        at++;
        return v;
    }
    case '"': return string();
    case 't':
    case 'f': {
        struct value *v = make(BOOLEAN);
        v->number = *at == 't';
        at += *at == 't' ? 4 : 5;
        return v;
    }
    case 'n': at += 4; return make(NIL);
    default: {
        struct value *v = make(NUMBER);
        char *end;
        v->number = strtod(at, &end);
        if (end == at) fail("no value");
        at = end;
        return v;
    }
    }
}

static char *out;

static void put(const char *text) {
    while (*text) *out++ = *text++;
}

static void print(const struct value *v) {
    switch (v->kind) {
    case NIL: put("null"); break;
    case BOOLEAN: put(v->number ? "true" : "false"); break;
    case NUMBER: out += sprintf(out, "%.10g", v->number); break;
    case STRING:
        *out++ = '"';
        for (const char *p = v->text; *p; p++) {
            if (*p == '\n') put("\\n");
            else if (*p == '\t') put("\\t");
            else {
                if (*p == '"' || *p == '\\') *out++ = '\\';
                *out++ = *p;
            }
        }
        *out++ = '"';
        break;
    case ARRAY:
    case OBJECT:
        *out++ = v->kind == ARRAY ? '[' : '{';
        for (size_t i = 0; i < v->count; i++) {
            if (i) *out++ = v->kind == OBJECT && i % 2 ? ':' : ',';
            print(v->items[i]);
        }
        *out++ = v->kind == ARRAY ? ']' : '}';
    }
}

static void discard(struct value *v) {
    for (size_t i = 0; i < v->count; i++) discard(v->items[i]);
    free(v->items);
    free(v->text);
    free(v);
}

static char *generate(char *to, int depth, uint64_t *state) {
    uint64_t r = bench_random(state);
    switch (depth ? r % 7 : 4 + r % 5) {
    case 0:
    case 1:
    case 2: {
        *to++ = '{';
        for (unsigned n = 0; n < 3 + (r >> 32) % 6; n++) {
            to += sprintf(to, "%s\"name%u\": ", n ? ", " : "", n);
            to = generate(to, depth - 1, state);
        }
        *to++ = '}';
        break;
    }
    case 3: {
        *to++ = '[';
        for (unsigned n = 0; n < 2 + (r >> 32) % 9; n++) {
            if (n) *to++ = ',';
            to = generate(to, depth - 1, state);
        }
        *to++ = ']';
        break;
    }
    case 4: to += sprintf(to, "%d", (int)(r >> 40)); break;
    case 5: to += sprintf(to, "%.6f", (double)(int64_t)r / 1e13); break;
    case 6: to += sprintf(to, "\"text \\\"%x\\\"\\n and more of it\"", (unsigned)(r >> 32)); break;
    case 7: to += sprintf(to, r >> 63 ? "true" : "false"); break;
    default: to += sprintf(to, "null");
    }
    return to;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 24);
    char *document = malloc(8 << 20), *again = malloc(16 << 20);
    uint64_t state = 99, hash = 0;
    char *end = document;
    *end++ = '[';
    while (end < document + (2 << 20)) {
        if (end > document + 1) *end++ = ',';
        end = generate(end, 5, &state);
    }
    *end++ = ']';
    *end = 0;
    for (unsigned r = 0; r < rounds; r++) {
        at = document;
        struct value *root = parse();
        out = again;
        print(root);
        hash = bench_hash(hash, again, (size_t)(out - again));
        discard(root);
    }
    printf("%zu %zu %016llx\n", (size_t)(end - document), (size_t)(out - again), (unsigned long long)hash);
    free(document);
    free(again);
}
