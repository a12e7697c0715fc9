// A database: SQLite fills tables, indexes them, and answers queries, all in memory.
#include "bench.h"
#include <sqlite3.h>

static sqlite3 *db;
static uint64_t hash;

static void check(int code) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    fprintf(stderr, "sqlite: error %d: %s\n", code, db ? sqlite3_errmsg(db) : "");
    exit(1);
}

static int row(void *unused, int count, char **values, char **names) {
    (void)unused, (void)names;
    for (int i = 0; i < count; i++)
        if (values[i]) hash = bench_hash(hash, values[i], strlen(values[i]));
    return 0;
}

static void run(const char *statement) { check(sqlite3_exec(db, statement, row, NULL, NULL)); }

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 20);
    static char text[1 << 16];
    // Pages come from here, so that the kernel's memory management is not what is measured.
    static _Alignas(16) char pages[8000][4096 + 320];
    check(sqlite3_config(SQLITE_CONFIG_PAGECACHE, pages, (int)sizeof *pages, 8000));
    for (unsigned r = 0; r < rounds; r++) {
        bench_text(text, sizeof text - 1, r);
        uint64_t state = r + 1;
        check(sqlite3_open(":memory:", &db));
        run("create table item(id integer primary key, owner int, price real, name text);"
            "create table owner(id integer primary key, name text); begin");
        sqlite3_stmt *insert;
        check(sqlite3_prepare_v2(db, "insert into item(owner, price, name) values(?, ?, ?)", -1, &insert, NULL));
        for (int i = 0; i < 20000; i++) {
            uint64_t x = bench_random(&state);
            check(sqlite3_bind_int(insert, 1, (int)(x % 500)));
            check(sqlite3_bind_double(insert, 2, (double)(x >> 44) / 64));
            check(sqlite3_bind_text(insert, 3, text + x % 60000, 10 + (int)(x >> 60), SQLITE_STATIC));
            check(sqlite3_step(insert));
            check(sqlite3_reset(insert));
        }
        check(sqlite3_finalize(insert));
        run("insert into owner(id, name) select distinct owner, 'owner ' || owner from item; commit; create index by_price on item(price)");
        run("select o.name, count(*), round(sum(i.price), 2) from item i join owner o on o.id = i.owner group by o.id order by 3 desc limit 20");
        run("select count(*) from item where name like '%na%' and price between 1000 and 9000");
        run("select substr(name, 1, 2) s, avg(price) from item group by s having count(*) > 50 order by s");
        run("update item set price = price * 1.1 where owner % 7 = 3; delete from item where price > 15000");
        run("with recursive n(x) as (select 1 union all select x + 1 from n where x < 20000) select sum(x * x % 97) from n");
        run("select count(*), min(price), max(name) from item; pragma integrity_check");
        check(sqlite3_close(db));
    }
    printf("%s %016llx\n", sqlite3_libversion(), (unsigned long long)hash);
}
