"""Databases with checks and indexes of every kind, under names and with texts that are easily misread."""

from __future__ import annotations

SQLITE = r"""
CREATE TABLE "select" (
  id INTEGER PRIMARY KEY CHECK (id > 0), -- a comment with CHECK (id > 9) in it, and a ' quote
  "check" TEXT CONSTRAINT "it's ""named"" 100%" CHECK ("check" <> 'CHECK (no)' AND "check" NOT LIKE '100%s'),
  `back``tick` TEXT /* CHECK (1), */ CHECK (`back``tick` GLOB '[a-z]*'),
  [brack et] INT CONSTRAINT first NOT NULL DEFAULT 5 CHECK ([brack et] /* odd */ % 2 = 1), -- SQLite calls it first
  path TEXT CHECK (path <> 'C:\:temp' AND path <> ':bound' AND path NOT LIKE '%\%%' ESCAPE '\' AND path <> "a;b"),
  nested TEXT DEFAULT 'a:b \: c' CHECK ((length(nested) > 1 AND (nested <> ')' OR nested <> '(')) -- )
    OR nested IS NULL),
  doubled AS ([brack et] * 2), email TEXT COLLATE NOCASE UNIQUE, "quo""te" INT,
  label VARCHAR(9) COLLATE "rtrim", day DATE COLLATE NOCASE,
  CHECK (id <> 7 OR path IS NULL), CONSTRAINT "from" CHECK (nested <> 'it''s' AND nested <> 'é'
    || char(10)), CHECK ("quo""te" > 0)
);
CREATE UNIQUE INDEX "where" ON "select" (lower("check") COLLATE NOCASE DESC, [brack et]) WHERE "check" <> 'WHERE ''x''' -- odd
;
CREATE UNIQUE INDEX "order" ON "select" (`back``tick` ASC, path DESC) WHERE nested IS NOT NULL;
CREATE INDEX "in order" ON "select" ("check" COLLATE NOCASE);
CREATE INDEX plain ON "select" (path, "check" DESC);
CREATE INDEX over ON "select" ("quo""te" + 1);
CREATE INDEX "a name so long that no other database could have it, though this one can have it, long as it is" ON "select" (path);
CREATE TABLE keyless (a INT, b TEXT CHECK (b <> '%(x)s'));
CREATE INDEX "keyless'index" ON keyless (abs(a) DESC, b) WHERE b LIKE '%x';
"""

POSTGRES = r"""
CREATE FUNCTION fine(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT $1 <> 'bad' $$;
CREATE COLLATION own_order (locale = 'C');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE "select" (
  id int PRIMARY KEY CHECK (id > 0), "check" text CONSTRAINT "it's ""named"" 100%"
    CHECK ("check" <> 'CHECK (no)' AND "check" NOT LIKE '100%s'),
  "with space" int NOT NULL DEFAULT 5 CONSTRAINT first CHECK ("with space" % 2 = 1),
  path text CHECK (path <> E'C:\\:temp' AND path <> ':bound' AND path !~ E'^\\s:x' AND path <> E'a\nb'),
  nested text DEFAULT E'a:b \\: c' CHECK ((length(nested) > 1 AND (nested <> ')' OR nested <> '(')) OR nested IS NULL),
  tags text[] CHECK (tags <> ARRAY['a]', 'b,c', '(']), amount positive, email text CHECK (fine(email)), "quo""te" int,
  room int, stay int4range, label text COLLATE own_order DEFAULT 'x', words varchar(9)[] COLLATE own_order,
  CHECK (id <> 7 OR path IS NULL), CONSTRAINT "from" CHECK (nested <> 'it''s' AND nested <> 'é'), CHECK ("quo""te" > 0),
  EXCLUDE (room WITH =),
  EXCLUDE USING gist (stay WITH &&, int4range(id, "with space" + 100) WITH &&) WHERE (id > 100 AND path <> 'WITH (')
);
CREATE UNIQUE INDEX "where" ON "select" (lower("check") DESC NULLS LAST, "with space") WHERE "check" <> 'WHERE ''x'' (';
CREATE UNIQUE INDEX "order" ON "select" (path, "with space" DESC) INCLUDE (room) WHERE nested IS NOT NULL;
CREATE INDEX "in order" ON "select" ("check" text_pattern_ops, id NULLS FIRST);
CREATE INDEX "a, (b" ON "select" ((path || ',' || nested), (tags[1]), ((id + 1)) DESC);
CREATE INDEX plain ON "select" (path, "check" DESC);
CREATE UNIQUE INDEX once ON "select" (path, nested) INCLUDE (id);
CREATE INDEX over ON "select" (("quo""te" + 1));
CREATE UNIQUE INDEX patterned ON "select" (id, label text_pattern_ops);
CREATE INDEX within ON "select" USING gin (tags);
CREATE INDEX words ON "select" USING gin (to_tsvector('english'::regconfig, nested), tags) WHERE id > 0;
CREATE INDEX hashed ON "select" USING hash (label); CREATE INDEX near ON "select" USING gist (stay) INCLUDE (id, path);
CREATE INDEX summed ON "select" USING brin (id int4_minmax_multi_ops, room);
CREATE UNIQUE INDEX none_twice ON "select" (label, room) INCLUDE (id) NULLS NOT DISTINCT;
CREATE TABLE keyless (a int, b text CHECK (b <> '%(x)s'), late int CONSTRAINT late UNIQUE DEFERRABLE,
  counted int GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5),
  CONSTRAINT whole FOREIGN KEY (late) REFERENCES "select" MATCH FULL DEFERRABLE);
CREATE INDEX "keyless'index" ON keyless (abs(a) DESC, b) WHERE b LIKE '%x';
"""
