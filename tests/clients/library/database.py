"""Makes the library in a PostgreSQL database, for database mode."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from mainspring.engines.postgres.bootstrap import bootstrap

FOLDER = Path(__file__).parent


def fill(url: str) -> None:
    """Make roles, tables, policies and functions in an empty database, and the rows in them."""
    asyncio.run(bootstrap(url, "told nobody"))
    rows = (FOLDER / "rows.json").read_text("utf-8")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((FOLDER / "schema.sql").read_bytes())
        for table in ("authors", "books", "shelves"):
            insert = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s::json -> '{table}')"
            connection.execute(insert.encode(), (rows,))
