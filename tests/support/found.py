"""Databases that Mainspring did not make, with everything in them that people put there."""

from __future__ import annotations

POSTGRES = """
CREATE SCHEMA hidden;
CREATE TABLE hidden.people (id int PRIMARY KEY);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "fine"');
CREATE TYPE hidden.kind AS ENUM ('a', 'b');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE DOMAIN host AS inet;
CREATE DOMAIN own_host AS host CHECK (VALUE <<= '10.0.0.0/8');
CREATE TABLE everything (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  a_smallint smallint DEFAULT 3, an_integer integer NOT NULL DEFAULT 7, a_bigint bigint,
  a_numeric numeric(10,2) NOT NULL DEFAULT 1.5, a_free_numeric numeric, a_real real, a_double double precision DEFAULT 0.5,
  a_boolean boolean DEFAULT true, a_text text DEFAULT 'it''s', a_varchar varchar(20), a_char char(3), a_name name,
  one_char "char",
  a_date date DEFAULT CURRENT_DATE, a_time time, a_timestamp timestamp DEFAULT now(),
  a_timestamptz timestamptz NOT NULL DEFAULT now(), an_interval interval, a_uuid uuid DEFAULT gen_random_uuid(),
  a_json json, a_jsonb jsonb DEFAULT '{}', some_bytes bytea, a_mood mood DEFAULT 'ok', a_kind hidden.kind,
  an_email email, texts text[], moods mood[], reals real[], jsons json[], numbers int[],
  an_address inet, a_range int4range, a_search tsvector, a_point point, an_xml xml, some_money money, a_timetz timetz,
  doubled int GENERATED ALWAYS AS (an_integer * 2) STORED, owner_id uuid, a_host own_host
);
COMMENT ON TABLE everything IS 'It''s "everything", really
in two lines';
COMMENT ON COLUMN everything.a_text IS 'some "text" with \\ in it';
CREATE TABLE "Order" (
  "class" int, "from" text, "with space" text, "dásh" text, metadata text, "date" date, "Mixed" int, mixed_2 int, "mixed" int,
  "int" int, person_id int REFERENCES hidden.people,
  PRIMARY KEY ("class", "from")
);
CREATE TABLE order_line (
  id serial PRIMARY KEY, "class" int, "from" text, mood mood NOT NULL DEFAULT 'sad', number int,
  previous_id int REFERENCES order_line ON DELETE SET NULL, one_id int UNIQUE REFERENCES order_line (id), "by.dot" int,
  CONSTRAINT the_order FOREIGN KEY ("class", "from") REFERENCES "Order" ON UPDATE CASCADE ON DELETE CASCADE,
  UNIQUE (number, mood)
);
CREATE INDEX falling ON order_line (number DESC, mood);
CREATE UNIQUE INDEX once ON order_line ("class", number);
CREATE INDEX partly ON order_line (number) WHERE number > 0;
CREATE INDEX computed ON order_line ((number + 1));
CREATE TABLE line_tag (line_id int REFERENCES order_line, tag text, PRIMARY KEY (line_id, tag));
CREATE TABLE keyless (word text NOT NULL, number int, line_id int REFERENCES order_line);
CREATE INDEX keyless_falling ON keyless (number DESC);
CREATE TABLE "quo""te" (id int PRIMARY KEY);
CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parts_2026 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW lines AS SELECT l.id, l.number, l.mood, l."class", l."from" FROM order_line l;
CREATE MATERIALIZED VIEW counted AS SELECT mood, count(*) AS n FROM order_line GROUP BY mood;
INSERT INTO everything (a_real, a_char, a_name, one_char, a_json, an_interval, some_bytes, a_kind, an_email, texts, moods, reals,
  jsons, numbers, an_address, a_range, a_search, a_point, an_xml, some_money, a_timetz, a_time, a_uuid, a_bigint)
VALUES (0.1, 'ab', 'a name', 'x', '{"b": [1, {"c": null}], "a": "x"}', '1 month 2 days', '\\x00ff', 'a', 'a@b', '{a,"b c",NULL}',
  '{ok,sad}', '{0.1}', '{"{}"}', '{1,2}', '10.0.0.1', '[1,5)', 'a b', '(1,2)', NULL, 12.5, '12:00+02', '12:00',
  gen_random_uuid(), 9007199254740993),
  ('NaN', NULL, NULL, NULL, '[]', NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, 'empty', NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL);
INSERT INTO "Order" ("class", "from") VALUES (1, 'x');
INSERT INTO order_line ("class", "from", number) VALUES (1, 'x', 5);
INSERT INTO parts VALUES (1, '2026-02-03');
INSERT INTO keyless VALUES ('a', 1, 1), ('b', NULL, NULL);
REFRESH MATERIALIZED VIEW counted;
"""

SQLITE = """
CREATE TABLE everything (
  id INTEGER PRIMARY KEY,
  an_int INT DEFAULT 7, a_bigint BIGINT, a_numeric DECIMAL(10, 2) NOT NULL DEFAULT 1.5, a_free NUMERIC, a_real REAL,
  a_float FLOAT,
  a_double DOUBLE PRECISION DEFAULT 0.5, a_bool BOOLEAN DEFAULT 1, a_text TEXT DEFAULT 'it''s', a_varchar VARCHAR(20),
  an_nvarchar NVARCHAR(160), a_string STRING, a_uuid UUID, a_date DATE DEFAULT CURRENT_DATE, a_time TIME,
  a_datetime DATETIME DEFAULT CURRENT_TIMESTAMP, a_timestamp TIMESTAMP NOT NULL DEFAULT (datetime('now')),
  a_timestamptz TIMESTAMP WITH TIME ZONE, a_json JSON, a_jsonb JSONB, a_blob BLOB, untyped, a_point POINT, a_clob CLOB,
  doubled INT GENERATED ALWAYS AS (an_int * 2) STORED, shown AS (a_text || ', ' || an_int), owner_id TEXT
);
CREATE TABLE parents (a TEXT, b INT, PRIMARY KEY (a, b));
CREATE TABLE "Order" (
  "class" INTEGER PRIMARY KEY, "from" TEXT, "with space" TEXT, metadata TEXT, "date" DATE, "Mixed" INT, mixed_2 INT, "int" INT,
  a TEXT, b INT, parent TEXT REFERENCES "ORDER", gone INT REFERENCES not_there, wrong INT REFERENCES parents (b),
  code TEXT UNIQUE REFERENCES strict_one, FOREIGN KEY (a, b) REFERENCES Parents ON DELETE CASCADE ON UPDATE SET NULL,
  UNIQUE (a, "date"), UNIQUE ("from")
);
CREATE INDEX falling ON "Order" ("date" DESC, "from");
CREATE UNIQUE INDEX once ON "Order" (metadata);
CREATE INDEX partly ON "Order" (mixed_2) WHERE mixed_2 > 0;
CREATE INDEX computed ON "Order" (mixed_2 + 1);
CREATE TABLE strict_one (code TEXT PRIMARY KEY, number INT, part REAL, bytes BLOB, any_thing ANY, moment TEXT) STRICT;
CREATE TABLE no_rowid (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE keyless (word TEXT NOT NULL, number INT);
CREATE INDEX keyless_falling ON keyless (number DESC);
CREATE TABLE counts_down (id INTEGER PRIMARY KEY DESC, word TEXT);
CREATE TABLE epoch (id INTEGER PRIMARY KEY, made DATETIME, day DATE);
CREATE TABLE "quo""te" (id INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE searched USING fts5(body);
CREATE VIEW totals AS SELECT "from" AS word, count(*) AS n, avg("class") AS mean, max("date") AS last FROM "Order" GROUP BY 1;
CREATE VIEW broken AS SELECT * FROM not_there;
INSERT INTO "Order" ("class", "from", "date") VALUES (1, 'x', '2026-01-31'), (2, 'y', NULL);
INSERT INTO keyless VALUES ('a', 1), ('b', NULL);
INSERT INTO no_rowid VALUES ('a', 'b');
INSERT INTO strict_one VALUES ('a', 1, 1.5, x'00ff', 5, '2026-01-31');
INSERT INTO counts_down VALUES (3, 'c'), (1, 'a');
INSERT INTO epoch VALUES (1, 1769866200, 20484), (2, 1769866201.5, NULL);
"""
