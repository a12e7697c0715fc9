-- JSON and full text.
create table j (doc text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
insert into j select json_object('id', i, 'tags', json_array('t' || i % 13, 'u'), 'text', 'some words number ' || i || ' of row ' || i % 101) from n;
select count(*), sum(doc ->> '$.id') from j, json_each(doc, '$.tags') where value = 't7';
create virtual table f using fts5(text);
insert into f select doc ->> '$.text' from j;
select count(*) from f where f match 'row NEAR 77';
select count(*) from f where f match 'number AND 100*';
