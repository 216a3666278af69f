"""Prepares an empty PostgreSQL database for a Supabase project's own migrations: roles, schemas, helper functions.

What is there already stays as it is, so that it can be run again.
"""

from __future__ import annotations

import psycopg

from mainspring.engines.postgres.names import literal
from mainspring.errors import ConfigError, Mistake

_CALLERS = "anon, authenticated, service_role"
_SCHEMAS = ("auth", "storage", "realtime", "extensions", "graphql_public")

ROLES = """
DO $mainspring$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'anon') THEN CREATE ROLE anon NOLOGIN NOINHERIT; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated') THEN CREATE ROLE authenticated NOLOGIN NOINHERIT; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role') THEN
    CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
  END IF;
END $mainspring$"""

AUTH = """
CREATE TABLE IF NOT EXISTS auth.users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  aud text DEFAULT 'authenticated',
  role text DEFAULT 'authenticated',
  email text UNIQUE,
  phone text UNIQUE,
  encrypted_password text,
  email_confirmed_at timestamptz,
  phone_confirmed_at timestamptz,
  last_sign_in_at timestamptz,
  raw_app_meta_data jsonb DEFAULT '{}',
  raw_user_meta_data jsonb DEFAULT '{}',
  is_anonymous boolean NOT NULL DEFAULT FALSE,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS auth_users_created_at_idx ON auth.users (created_at);
CREATE OR REPLACE FUNCTION auth.jwt() RETURNS jsonb STABLE LANGUAGE sql AS
  $$ SELECT coalesce(nullif(current_setting('request.jwt.claims', TRUE), ''), '{}')::jsonb $$;
CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid STABLE LANGUAGE sql AS $$ SELECT (auth.jwt() ->> 'sub')::uuid $$;
CREATE OR REPLACE FUNCTION auth.role() RETURNS text STABLE LANGUAGE sql AS $$ SELECT auth.jwt() ->> 'role' $$;
CREATE OR REPLACE FUNCTION auth.email() RETURNS text STABLE LANGUAGE sql AS $$ SELECT auth.jwt() ->> 'email' $$"""

STORAGE = """
CREATE TABLE IF NOT EXISTS storage.buckets (
  id text PRIMARY KEY, name text NOT NULL UNIQUE, owner uuid, owner_id text, public boolean DEFAULT FALSE,
  avif_autodetection boolean DEFAULT FALSE, file_size_limit bigint, allowed_mime_types text[],
  created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now()
);
CREATE TABLE IF NOT EXISTS storage.objects (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), bucket_id text REFERENCES storage.buckets, name text, owner uuid, owner_id text,
  metadata jsonb, user_metadata jsonb, version text, path_tokens text[] GENERATED ALWAYS AS (string_to_array(name, '/')) STORED,
  created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(), last_accessed_at timestamptz DEFAULT now(),
  UNIQUE (bucket_id, name)
);
ALTER TABLE storage.buckets ENABLE ROW LEVEL SECURITY;
ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
CREATE OR REPLACE FUNCTION storage.foldername(name text) RETURNS text[] IMMUTABLE LANGUAGE sql AS
  $$ SELECT (string_to_array(name, '/'))[:cardinality(string_to_array(name, '/')) - 1] $$;
CREATE OR REPLACE FUNCTION storage.filename(name text) RETURNS text IMMUTABLE LANGUAGE sql AS
  $$ SELECT (string_to_array(name, '/'))[cardinality(string_to_array(name, '/'))] $$;
CREATE OR REPLACE FUNCTION storage.extension(name text) RETURNS text IMMUTABLE LANGUAGE sql AS
  $$ SELECT reverse(split_part(reverse(storage.filename(name)), '.', 1)) $$"""

GRANTS = f"""
GRANT USAGE ON SCHEMA public, {", ".join(_SCHEMAS)} TO {_CALLERS};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auth, storage TO {_CALLERS};
GRANT ALL ON ALL TABLES IN SCHEMA storage TO {_CALLERS};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA auth TO service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {_CALLERS};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO {_CALLERS};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO {_CALLERS};
ALTER DEFAULT PRIVILEGES IN SCHEMA graphql_public GRANT ALL ON FUNCTIONS TO {_CALLERS}"""

REALTIME = """
DO $mainspring$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'supabase_realtime') THEN
    CREATE PUBLICATION supabase_realtime;
  END IF;
  EXECUTE format('ALTER DATABASE %I SET search_path TO "$user", public, extensions', current_database());
END $mainspring$"""

_EXTENSIONS = ("pgcrypto", "uuid-ossp")


async def bootstrap(url: str, password: str) -> bool:
    """Prepare the database at `url`, whose login must be allowed to create roles.

    `password` is that of `authenticator`, the login to serve with; returns whether that had to be made. Raises ConfigError.
    """
    try:
        return await _prepare(url, password)
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).strip().splitlines()[-1]
        raise ConfigError([Mistake("database.url", f"PostgreSQL refused: {said}")]) from error


async def _prepare(url: str, password: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(ROLES)
        made = await _authenticator(connection, password)
        for schema in _SCHEMAS:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
        for name in _EXTENSIONS:
            await _extension(connection, name)
        for statements in (AUTH, STORAGE, GRANTS, REALTIME):
            await connection.execute(statements.encode())
        return made


async def _authenticator(connection: psycopg.AsyncConnection[tuple[object, ...]], password: str) -> bool:
    found = await (await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'authenticator'")).fetchone()
    if found is None:
        await connection.execute(f"CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD {literal(password)}".encode())
    await connection.execute(f"GRANT {_CALLERS} TO authenticator".encode())
    return found is None


async def _extension(connection: psycopg.AsyncConnection[tuple[object, ...]], name: str) -> None:
    """An extension, where this server has it."""
    known = await connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", (name,))
    if await known.fetchone() is not None:
        await connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}" WITH SCHEMA extensions'.encode())
