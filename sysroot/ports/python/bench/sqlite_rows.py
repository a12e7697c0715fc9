# A database in memory.
import sqlite3

db = sqlite3.connect(":memory:")
db.execute("create table t (id integer primary key, name text, value real)")
db.executemany("insert into t values (?, ?, ?)", ((i, f"name {i % 1000}", i * 0.5) for i in range(100000)))
db.execute("create index by_name on t (name)")
print(db.execute("select count(distinct name), sum(value) from t").fetchone())
print(sum(len(db.execute("select * from t where name = ?", (f"name {i}",)).fetchall()) for i in range(1000)))
