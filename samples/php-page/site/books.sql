-- sqlite3 books.db < books.sql makes the database.
create table topic (id integer primary key, name text not null unique);
create table book (
    id integer primary key,
    title text not null,
    author text not null,
    year integer not null,
    topic integer not null references topic
);
insert into topic (id, name) values (1, 'Compilers'), (2, 'Operating systems'), (3, 'Security & trust');
insert into book (title, author, year, topic) values
    ('Compilers: Principles, Techniques, and Tools', 'Aho, Lam, Sethi & Ullman', 1986, 1),
    ('Linkers and Loaders', 'John R. Levine', 1999, 1),
    ('Engineering a Compiler', 'Keith Cooper & Linda Torczon', 2003, 1),
    ('The Design of the UNIX Operating System', 'Maurice J. Bach', 1986, 2),
    ('Advanced Programming in the UNIX Environment', 'W. Richard Stevens', 1992, 2),
    ('The Linux Programming Interface', 'Michael Kerrisk', 2010, 2),
    ('Security Engineering', 'Ross Anderson', 2001, 3),
    ('The Art of Software Security Assessment', 'Dowd, McDonald & Schuh', 2006, 3);
