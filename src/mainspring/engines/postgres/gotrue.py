"""The people of a database in which Supabase's auth server (GoTrue) signed them in, each as one JSON document.

Its tables are read as they are, of whatever version: a column that is not there is not said. Nothing is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import psycopg

from mainspring.engines.postgres import names
from mainspring.engines.postgres.engine import place
from mainspring.errors import ConfigError, Mistake
from mainspring.query.ast import TableName

Found = tuple[str, str | None]
"""The id of a row and its document; None where that is too large."""
_CONNECT_SECONDS: Final = 10
_MOST: Final = 1 << 18
"""Bytes that a document may have."""
_PARTS: Final = {"identities": "TRUE", "mfa_factors": "p.status::text = 'verified'", "webauthn_credentials": "TRUE"}
"""What belongs to a user, and which rows of it."""
_ALONE: Final = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL row_security = off",  # who may not see all rows is told so, and not shown fewer
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)


async def people(url: str, schema: str, size: int) -> AsyncIterator[list[Found]]:
    """The users of `schema` at `url`, so many at a time: each with the columns, and what belongs to the user.

    All are of one moment. Raises ConfigError where they cannot be read.
    """
    async for batch in _documents(url, schema, _people, size):
        yield batch


async def companies(url: str, schema: str, size: int) -> AsyncIterator[list[Found]]:
    """The companies that sign in their people (SAML), with their domains. Raises ConfigError where they cannot be read."""
    async for batch in _documents(url, schema, _companies, size):
        yield batch


async def _documents(url: str, schema: str, ask: Callable[[str, set[str]], str], size: int) -> AsyncIterator[list[Found]]:
    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            for statement in _ALONE:
                await connection.execute(statement.encode())
            question = ask(schema, await _standing(connection, schema))
            async with connection.cursor(name="mainspring_documents") as cursor:
                await cursor.execute(question.encode())
                while rows := await cursor.fetchmany(size):
                    yield rows
    except psycopg.Error as error:
        raise ConfigError([Mistake("--from", f"cannot read {place(url)}: {_said(error)}")]) from error


async def _standing(connection: psycopg.AsyncConnection[Any], schema: str) -> set[str]:
    """Which of the tables there are. Raises ConfigError where there are no users."""
    told = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s"
    found = {name for (name,) in await (await connection.execute(told, (schema,))).fetchall()}
    if "users" not in found:
        problem = f'there is no table "users" in the schema "{schema}"'
        raise ConfigError([Mistake("--from", problem, "name another with --schema")])
    return found


def _people(schema: str, standing: set[str]) -> str:
    parts = "".join(
        f", {names.literal(part)}, (SELECT jsonb_agg(to_jsonb(p)) FROM {names.table(TableName(schema, part))} p"
        f" WHERE p.user_id = d.id AND {condition})"
        for part, condition in _PARTS.items()
        if part in standing
    )
    return _asking(schema, "users", f"to_jsonb(d) || jsonb_build_object({parts.removeprefix(', ')})")


def _companies(schema: str, standing: set[str]) -> str:
    if not {"sso_providers", "sso_domains", "saml_providers"} <= standing:
        return "SELECT NULL, NULL WHERE FALSE"
    saml, domains = (names.table(TableName(schema, name)) for name in ("saml_providers", "sso_domains"))
    told = f"(SELECT to_jsonb(s) - 'id' FROM {saml} s WHERE s.sso_provider_id = d.id LIMIT 1)"
    owned = f"(SELECT jsonb_agg(jsonb_build_object('domain', o.domain)) FROM {domains} o WHERE o.sso_provider_id = d.id)"
    return _asking(schema, "sso_providers", f"coalesce({told}, '{{}}') || to_jsonb(d) || jsonb_build_object('domains', {owned})")


def _asking(schema: str, table: str, document: str) -> str:
    """Id and document of every row `d`. OFFSET keeps a document from being made twice."""
    return (
        f"SELECT d.id::text, CASE WHEN octet_length(m.made) <= {_MOST} THEN m.made END"
        f" FROM {names.table(TableName(schema, table))} d CROSS JOIN LATERAL (SELECT ({document})::text AS made OFFSET 0) m"
    )


def _said(error: psycopg.Error) -> str:
    """What the server or the driver says; about an address that is none it could tell the password."""
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        return "this is no address of a database"
    return error.diag.message_primary or str(error).strip().splitlines()[-1].rpartition("FATAL:")[2].strip()
