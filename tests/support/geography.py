"""A database with geometries: PostGIS where the server offers it, else what stands in for the little of it that is asked."""

from __future__ import annotations

import psycopg

STAND_IN = """
CREATE TYPE {s}.{t};
CREATE FUNCTION {s}.{t}_in(cstring) RETURNS {s}.{t} IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION {s}.{t}_out({s}.{t}) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE TYPE {s}.{t} (INPUT = {s}.{t}_in, OUTPUT = {s}.{t}_out, LIKE = text, COLLATABLE = true);
CREATE CAST ({s}.{t} AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE FUNCTION {s}.st_asgeojson(shape {s}.{t}, maxdecimaldigits int DEFAULT 9, options int DEFAULT 8) RETURNS text
  IMMUTABLE STRICT LANGUAGE sql AS $$
  SELECT json_build_object('type', 'Point', 'coordinates', array_agg(n::numeric))::text
  FROM regexp_split_to_table(substring({s}.{t}_out(shape)::text FROM 'POINT\\((.*)\\)'), ' ') AS n $$;
CREATE FUNCTION {s}.{t}_json({s}.{t}) RETURNS json IMMUTABLE STRICT LANGUAGE sql AS 'SELECT {s}.st_asgeojson($1)::json';
CREATE CAST ({s}.{t} AS json) WITH FUNCTION {s}.{t}_json({s}.{t});
"""
"""Points that are written `POINT(1 2)`: a type of its own, its JSON, and ST_AsGeoJSON with PostGIS's parameters."""


def prepare(url: str, schema: str = "public") -> None:
    """Put PostGIS, or what stands in for it, into `schema` of an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
        if connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").fetchone():
            connection.execute(f"CREATE EXTENSION postgis SCHEMA {schema}".encode())
            return
        for type_ in ("geometry", "geography"):
            connection.execute(STAND_IN.format(s=schema, t=type_).encode())
