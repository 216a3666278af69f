"""The people of a database in which Supabase's auth server (GoTrue) signed them in, each as one JSON document.

Its tables are read as they are, of whatever version: a column that is not there is not said. Nothing is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import psycopg

from mainspring.engines.postgres import names
from mainspring.engines.postgres.engine import place
from mainspring.errors import ConfigError, Mistake
from mainspring.query.ast import TableName

_CONNECT_SECONDS: Final = 10
_MOST: Final = 1 << 18
"""Bytes of a document; in the place of a larger one stands NULL."""
_PARTS: Final = {"identities": "TRUE", "mfa_factors": "p.status::text = 'verified'", "webauthn_credentials": "TRUE"}
"""What belongs to a user, and which rows of it."""
_ALONE: Final = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL row_security = off",  # who may not see all rows is told so, and not shown fewer
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)


async def people(url: str, schema: str, size: int) -> AsyncIterator[list[tuple[str, str | None]]]:
    """The users of `schema` at `url`, so many at a time: id, and a document of the columns and what belongs to the user.

    All are of one moment. Raises ConfigError where they cannot be read.
    """
    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            for statement in _ALONE:
                await connection.execute(statement.encode())
            question = _question(schema, await _standing(connection, schema))
            async with connection.cursor(name="mainspring_people") as cursor:
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


def _question(schema: str, standing: set[str]) -> str:
    parts = "".join(
        f", {names.literal(part)}, (SELECT jsonb_agg(to_jsonb(p)) FROM {names.table(TableName(schema, part))} p"
        f" WHERE p.user_id = u.id AND {condition})"
        for part, condition in _PARTS.items()
        if part in standing
    )
    document = f"(to_jsonb(u) || jsonb_build_object({parts.removeprefix(', ')}))::text"
    return (  # OFFSET keeps the document from being made twice
        f"SELECT u.id::text, CASE WHEN octet_length(d.document) <= {_MOST} THEN d.document END"
        f" FROM {names.table(TableName(schema, 'users'))} u CROSS JOIN LATERAL (SELECT {document} AS document OFFSET 0) d"
    )


def _said(error: psycopg.Error) -> str:
    """What the server or the driver says; about an address that is none it could tell the password."""
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        return "this is no address of a database"
    return error.diag.message_primary or str(error).strip().splitlines()[-1].rpartition("FATAL:")[2].strip()
