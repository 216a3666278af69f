"""Chinook on either engine: the same rows, each database with the tables its author made for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "chinook"
_NAME = re.compile(r"[a-z]+(?:_[a-z]+)*")
_INSERT = re.compile(r"INSERT INTO (\w+) \(([^)]*)\) VALUES\n(.*?);\n", re.DOTALL)
_NATIONAL = re.compile(r"(?:(?<=, )|(?<=\())N'")
_DAY = re.compile(r"'(\d{4})/(\d{1,2})/(\d{1,2})'")


def script() -> str:
    """The PostgreSQL script."""
    return (DATA / "postgres.sql").read_text("utf-8")


def inserts() -> list[tuple[str, str, str]]:
    """Table, columns and rows of every INSERT statement."""
    return [(found[1], found[2], found[3]) for found in _INSERT.finditer(script() + "\n")]


def load_postgres(url: str) -> None:
    """Fill an empty PostgreSQL database."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script().encode())


def load_sqlite(path: Path) -> None:
    """Make a SQLite file as the author's own: his tables, and moments as he writes them there."""
    from pysqlite3 import dbapi2

    connection = dbapi2.connect(str(path))
    connection.executescript((DATA / "sqlite_tables.sql").read_text("utf-8"))
    for table, columns, rows in inserts():
        values = _DAY.sub(lambda day: f"'{day[1]}-{day[2]:0>2}-{day[3]:0>2} 00:00:00'", _NATIONAL.sub("'", rows))
        connection.execute(f"INSERT INTO {pascal(table)} ({in_pascal(columns)}) VALUES {values}")
    connection.commit()
    connection.close()


def pascal(name: str) -> str:
    """`invoice_line` as the SQLite file spells it."""
    return "".join(word.capitalize() for word in name.split("_"))


def names() -> frozenset[str]:
    """Every table and column of the PostgreSQL script."""
    return frozenset(name for table, columns, _ in inserts() for name in (table, *columns.split(", ")))


_NAMES = names()


def in_pascal(text: str) -> str:
    """A query, in URL or SQL, with the SQLite file's names."""
    return _NAME.sub(lambda word: pascal(word[0]) if word[0] in _NAMES else word[0], text)


def in_snake(answer: Any) -> Any:
    """A decoded answer with the PostgreSQL script's names."""
    if isinstance(answer, list):
        return [in_snake(item) for item in answer]
    if isinstance(answer, dict):
        return {_SNAKE.get(key, key): in_snake(value) for key, value in answer.items()}
    return answer


_SNAKE = {pascal(name): name for name in _NAMES}
