// A C program is parsed, changed, parsed again from the old tree, and searched with a query.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_c(void);

static const char *const SOURCE =
    "#include <stdio.h>\n"
    "typedef struct { int x, y; } point;\n"
    "static int add(point p, int (*f)(int)) { return f(p.x) + p.y * 2; }\n"
    "int main(int argc, char **argv) {\n"
    "    for (int i = 0; i < argc; i++) switch (i % 3) { case 0: puts(argv[i]); break; default: continue; }\n"
    "    point p = { .x = 1, .y = 0x2a };\n"
    "    return add(p, 0) ? : (int) sizeof(p);\n"
    "}\n";

static char *grown(void) {
    char *all = malloc(400 * strlen(SOURCE) + 1);
    char *end = all;
    for (int i = 0; i < 400; i++) end = stpcpy(end, SOURCE);
    return all;
}

static unsigned long nodes(TSTree *tree, int *deepest) {
    unsigned long count = 0;
    int depth = 0;
    TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
    for (;;) {
        count++;
        if (depth > *deepest) *deepest = depth;
        if (ts_tree_cursor_goto_first_child(&cursor)) {
            depth++;
            continue;
        }
        while (!ts_tree_cursor_goto_next_sibling(&cursor)) {
            if (!ts_tree_cursor_goto_parent(&cursor)) {
                ts_tree_cursor_delete(&cursor);
                return count;
            }
            depth--;
        }
    }
}

int main(void) {
    TSParser *parser = ts_parser_new();
    if (!ts_parser_set_language(parser, tree_sitter_c())) return 1;
    TSTree *tree = ts_parser_parse_string(parser, NULL, SOURCE, strlen(SOURCE));
    char *text = ts_node_string(ts_tree_root_node(tree));
    puts(text);
    free(text);

    // An edit that breaks the program, parsed with the old tree's help.
    char *edited = strdup(SOURCE);
    char *place = strstr(edited, "p.y * 2");
    memcpy(place, "p.y * )", 7);
    uint32_t at = place - edited;
    TSInputEdit edit = {at, at + 7, at + 7, {2, 0}, {2, 7}, {2, 7}};
    ts_tree_edit(tree, &edit);
    TSTree *again = ts_parser_parse_string(parser, tree, edited, strlen(edited));
    printf("has errors: %d\n", ts_node_has_error(ts_tree_root_node(again)));
    uint32_t ranges;
    TSRange *changed = ts_tree_get_changed_ranges(tree, again, &ranges);
    for (uint32_t i = 0; i < ranges; i++) printf("changed: %u to %u\n", changed[i].start_byte, changed[i].end_byte);
    free(changed);

    static const char query_text[] =
        "(function_definition declarator: (function_declarator declarator: (identifier) @name))"
        "((call_expression function: (identifier) @call) (#eq? @call \"puts\"))";
    uint32_t offset;
    TSQueryError error;
    TSQuery *query = ts_query_new(tree_sitter_c(), query_text, strlen(query_text), &offset, &error);
    if (!query) return 2;
    TSQueryCursor *cursor = ts_query_cursor_new();
    ts_query_cursor_exec(cursor, query, ts_tree_root_node(again));
    TSQueryMatch match;
    while (ts_query_cursor_next_match(cursor, &match)) {
        for (uint16_t i = 0; i < match.capture_count; i++) {
            TSNode node = match.captures[i].node;
            uint32_t start = ts_node_start_byte(node), length;
            printf("%s: %.*s\n", ts_query_capture_name_for_id(query, match.captures[i].index, &length),
                   (int)(ts_node_end_byte(node) - start), edited + start);
        }
    }
    ts_query_cursor_delete(cursor);
    ts_query_delete(query);
    ts_tree_delete(again);
    ts_tree_delete(tree);
    free(edited);

    char *large = grown();
    tree = ts_parser_parse_string(parser, NULL, large, strlen(large));
    int deepest = 0;
    unsigned long count = nodes(tree, &deepest);
    printf("%zu bytes, %lu nodes, %d deep\n", strlen(large), count, deepest);
    ts_tree_delete(tree);
    free(large);
    ts_parser_delete(parser);
    return 0;
}
