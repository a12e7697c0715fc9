-- Joins, groups and sorting.
create table a (id integer primary key, k integer, s text);
create table b (k integer primary key, s text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) insert into a select i, i * 31 % 5003, 'text ' || i from n;
with recursive n(i) as (select 0 union all select i + 1 from n where i < 5003) insert into b select i, 'group ' || i % 77 from n;
select count(*), min(total), max(total) from (select b.s, sum(length(a.s)) total from a join b using (k) group by b.s order by 2);
select count(*) from a x join a y on y.id = x.k + 1 where x.s like '%99%' and y.s < 'text 4';
select s from (select s, row_number() over (partition by k order by s desc) r from a) where r = 3 order by s limit 3;
