-- Changes of rows, each found by an index.
create table t (id integer primary key, v integer, s text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 250000) insert into t select i, i, 'x' from n;
create index by_v on t (v);
update t set v = v * 7919 % 60013, s = s || v;
update t set s = upper(s) || length(s) where v between 1000 and 40000;
delete from t where v % 3 = 0;
select count(*), sum(v), sum(length(s)) from t;
