"""Loads the rows into a SQLite file in bulk. Knows the table and column names, not the DDL."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from bench import dataset
from bench.dataset import Forms, Row


def load(database: Any, forms: Forms) -> None:
    """Fill every table through an open connection, in one transaction.

    Takes any sqlite3-like connection: each peer's file is opened with that peer's own SQLite library.
    """
    insert(database, "authors", dataset.author_rows(forms))
    insert(database, "posts", dataset.post_rows(forms))
    insert(database, "comments", dataset.comment_rows(forms))
    insert(database, "drafts", dataset.draft_rows(forms))
    insert(database, "papers", dataset.paper_rows(forms))
    insert(database, "readers", dataset.reader_rows(forms))
    insert(database, "notes", dataset.note_rows(forms))
    finish(database)


def load_posts(database: Any, forms: Forms, posts: int) -> None:
    """Fill authors and so many posts, and nothing else."""
    insert(database, "authors", dataset.author_rows(forms))
    insert(database, "posts", dataset.post_rows(forms, posts))
    finish(database)


def finish(database: Any) -> None:
    """Commit what was loaded, with statistics."""
    database.commit()
    database.execute("ANALYZE")
    database.commit()


def insert(database: Any, table: str, rows: Iterable[Row]) -> None:
    """Insert rows, all with the columns of the first."""
    rows = iter(rows)
    first = next(rows)
    columns, values = ", ".join(first), ", ".join(f":{name}" for name in first)
    database.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", chain([first], rows))
