"""The people of a PocketBase file, each as one JSON document. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from mainspring.engines.sqlite import names
from mainspring.engines.sqlite.connection import Source
from mainspring.errors import ConfigError, Mistake

_COLUMNS: Final = ("id", "email", "password", "verified", "name", "created", "updated")
_ACCOUNTS: Final = (
    "(SELECT json_group_array(json_object('provider', a.provider, 'subject', a.providerId))"
    " FROM _externalAuths a WHERE a.recordRef = d.id AND a.collectionRef = (SELECT id FROM _collections WHERE name = ?))"
)
_MOST: Final = 1 << 18
"""Bytes that a document may have."""


async def people(path: Path, collection: str, size: int) -> AsyncIterator[list[tuple[str, str | None]]]:
    """Who signs in to a collection, so many at a time: id, and what is said of them (None where that is too large).

    Raises ConfigError where they cannot be read.
    """
    if not await asyncio.to_thread(path.is_file):
        raise ConfigError([Mistake("--from", f"there is no file {path.name}")])
    source = Source(path, None, "FULL", existing=True)
    module = source.module()
    try:
        connection = await asyncio.to_thread(lambda: source.open(reading=True))
        try:
            cursor = await asyncio.to_thread(_asked, connection, collection)
            while rows := await asyncio.to_thread(cursor.fetchmany, size):
                yield rows
        finally:
            connection.close()
    except module.Error as error:
        raise ConfigError([Mistake("--from", f"cannot read {path.name}: {error}")]) from error


def _asked(connection: Any, collection: str) -> Any:
    known = connection.execute("SELECT name FROM _collections WHERE type = 'auth' ORDER BY name").fetchall()
    if (collection,) not in known:
        there = ", ".join(name for (name,) in known)
        raise ConfigError([Mistake("--collection", "nobody signs in to this collection", f"one of {there}")])
    table = names.quote(collection)
    standing = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    said = "".join(f"'{name}', d.{name}, " for name in _COLUMNS if name in standing)
    document = f"json_object({said}'accounts', json({_ACCOUNTS}))"
    question = f"SELECT id, CASE WHEN length(made) <= {_MOST} THEN made END FROM (SELECT d.id, {document} AS made FROM {table} d)"
    return connection.execute(question, (collection,))
