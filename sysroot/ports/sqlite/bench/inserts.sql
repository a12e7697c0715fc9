-- Rows into a table with two indexes, in one transaction.
create table t (id integer primary key, name text, value real);
create index by_name on t (name);
create index by_value on t (value);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 400000)
insert into t select i, 'name ' || (i * 7919 % 10007), i * 0.5 from n;
commit;
select count(*), sum(value) from t;
