-- The library in database mode: tables of PostgreSQL's own types, row security, functions in SQL.
CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL, born date);
CREATE TABLE books (
  id int PRIMARY KEY, author_id int NOT NULL REFERENCES authors, title text NOT NULL, price numeric(10,2) NOT NULL, pages int,
  printed date NOT NULL, tags text[] NOT NULL, details jsonb NOT NULL, lent int4range NOT NULL, listed boolean NOT NULL
);
CREATE TABLE shelves (id int PRIMARY KEY, label text NOT NULL UNIQUE, room text DEFAULT 'hall');
ALTER TABLE books ENABLE ROW LEVEL SECURITY;
ALTER TABLE shelves ENABLE ROW LEVEL SECURITY;
CREATE POLICY listed ON books FOR SELECT USING (listed);
CREATE POLICY everyone ON shelves FOR SELECT USING (true);
CREATE FUNCTION add(a int, b int DEFAULT 10) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT a + b $$;
CREATE FUNCTION longest(words text[]) RETURNS text IMMUTABLE LANGUAGE sql AS
  $$ SELECT word FROM unnest(words) AS word ORDER BY length(word) DESC LIMIT 1 $$;
CREATE FUNCTION books_of(author int) RETURNS SETOF books STABLE LANGUAGE sql AS
  $$ SELECT * FROM books WHERE author_id = author ORDER BY id $$;
CREATE FUNCTION relabel(shelf int, label text) RETURNS SETOF shelves LANGUAGE sql AS
  $$ UPDATE shelves SET label = relabel.label WHERE id = shelf RETURNING * $$;
GRANT SELECT ON authors, books, shelves TO anon, authenticated;
GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role;
REVOKE EXECUTE ON FUNCTION relabel FROM PUBLIC, anon, authenticated;
GRANT EXECUTE ON FUNCTION relabel TO service_role;
