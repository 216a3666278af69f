"""Records of people in files: a JSON object a line, or CSV with names in its first line. A line at a time, read in a thread.

A column that is none of GoTrue's is a mistake: it may be a misspelt one, and people would lose what it says.
"""

from __future__ import annotations

import asyncio
import csv
import difflib
from collections.abc import AsyncIterator, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Final

from mainspring.errors import ConfigError, Mistake
from mainspring.services.identity.imports.person import COLUMNS, PASSED_OVER
from mainspring.services.identity.imports.records import MOST, Record, parsed

_JSON: Final = (".jsonl", ".ndjson")
_CSV: Final = ".csv"


async def batches(path: Path, size: int) -> AsyncIterator[list[Record]]:
    """The records of a file, so many at a time. Raises ConfigError."""
    if path.suffix not in (*_JSON, _CSV):
        raise ConfigError([Mistake(path.name, "is no kind of file that is read", f"one of {', '.join((*_JSON, _CSV))}")])
    try:
        file = await asyncio.to_thread(path.open, encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise ConfigError([Mistake(path.name, f"cannot be read: {error.strerror}")]) from error
    with file:
        records = _of_csv(file, path.name) if path.suffix == _CSV else _of_json(file)
        while batch := await asyncio.to_thread(lambda: list(islice(records, size))):
            yield batch


def _of_json(file: IO[str]) -> Iterator[Record]:
    lines = _Lines(file)
    while True:
        place = f"line {lines.number + 1}"
        try:
            line = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(place, problem=str(error))
            continue
        if line.strip():
            yield _checked(parsed(place, line))


class _Lines(Iterator[str]):
    """The lines of a file, of so many characters at most; one that is longer is skipped, by raising csv.Error."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self.number = file, 0

    def __next__(self) -> str:
        line = self._file.readline(MOST + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) <= MOST:
            return line
        while line and not line.endswith("\n"):
            line = self._file.readline(MOST)
        raise csv.Error("is too large")


def _checked(record: Record) -> Record:
    wrong = _unknown(record.said)
    return Record(record.place, problem=f"has a column that is not known: {wrong}") if wrong else record


def _unknown(names: Collection[str]) -> str | None:
    """The first name that is none of GoTrue's, with the one that may be meant."""
    known = COLUMNS | PASSED_OVER
    wrong = next((name for name in names if name not in known), None)
    if wrong is None:
        return None
    close = difflib.get_close_matches(wrong, known, n=1)
    return ascii(wrong[:63]) + (f" (did you mean {close[0]}?)" if close else "")


def _of_csv(file: IO[str], name: str) -> Iterator[Record]:
    """The rows of a file in CSV, in which an empty field says nothing. Raises ConfigError."""
    csv.field_size_limit(MOST)
    lines = _Lines(file)
    rows = csv.reader(lines, strict=True)
    columns = _columns(rows, name)
    while True:
        place = f"line {lines.number + 1}"
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(place, problem=f"is not read as CSV: {error}")
            continue
        if len(row) != len(columns):
            yield Record(place, problem=f"has {len(row)} fields, not {len(columns)}")
        else:
            yield Record(place, dict(zip(columns, row, strict=True)))


def _columns(rows: Iterator[list[str]], name: str) -> list[str]:
    try:
        columns = next(rows, [])
    except csv.Error as error:
        raise ConfigError([Mistake(name, f"is not read as CSV: {error}")]) from None
    wrong = _unknown(columns)
    if wrong:
        raise ConfigError([Mistake(name, f"has a column that is not known: {wrong}")])
    if "id" not in columns or len(set(columns)) < len(columns):
        raise ConfigError([Mistake(name, "needs a first line with names of columns, each once, id among them")])
    return columns
