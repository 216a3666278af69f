"""`mainspring users import`: where people come from, and what is told of them while they come."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from mainspring.engines.registry import read_gotrue, read_pocketbase
from mainspring.services.identity.imports import companies, files, pocketbase
from mainspring.services.identity.imports.imports import BATCH, Imports
from mainspring.services.identity.imports.records import Record, parsed
from mainspring.services.identity.service import Identity
from mainspring.settings import Settings

_SHOWN_EVERY: Final = 100_000
_COMPANIES: Final = 20
_POCKETBASE: Final = ".db"
_SERVERS: Final = ("postgresql:", "postgres:")
_SUMS: Final = ("taken", "already_there", "passed_over", "left_behind")


async def import_people(identity: Identity, given: argparse.Namespace, _: Settings) -> str:
    """Take people in. Whoever cannot be is named on standard error, and `given.incomplete` is set. Returns the sums."""
    gc.enable()  # other commands are done before it matters; here there may be millions of people
    imports, sums = Imports(identity.parts), Counter[str]()
    await _companies(identity, given, sums)
    async for found in records(given.source, given.schema, given.collection):
        outcome = await imports.take(found, dry=given.dry_run)
        before = sums.total() // _SHOWN_EVERY
        sums.update(taken=outcome.taken, already_there=outcome.there)
        sums.update(passed_over=len(outcome.passed_over), left_behind=len(outcome.left_behind))
        _name([*outcome.passed_over, *outcome.left_behind])
        if sums.total() // _SHOWN_EVERY > before:
            print(f"{sums.total()} so far", file=sys.stderr, flush=True)
    given.incomplete = bool(sums["passed_over"] or sums["left_behind"])
    return _told(sums, given)


async def _companies(identity: Identity, given: argparse.Namespace, sums: Counter[str]) -> None:
    """Take in the companies of a database, before their people."""
    if not given.source.startswith(_SERVERS):
        return
    async for rows in read_gotrue("companies", given.source, given.schema, _COMPANIES):
        found = [parsed(f"company {company}", document) for company, document in rows]
        passed_over = await companies.take(identity.parts, found, dry=given.dry_run)
        sums.update(passed_over=len(passed_over))
        _name(passed_over)


def _name(reasons: list[tuple[str, str]]) -> None:
    for place, reason in reasons:
        print(printable(f"{place}: {reason}"), file=sys.stderr)


def _told(sums: Counter[str], given: argparse.Namespace) -> str:
    named = {name: sums[name] for name in _SUMS}
    if given.format == "json":
        return json.dumps({**named, "dry_run": given.dry_run})
    lines = [f"{name.replace('_', ' '):<14}{many}" for name, many in named.items()]
    return "\n".join([*lines, *(["nothing was written"] if given.dry_run else [])])


def printable(text: str) -> str:
    """A text that does nothing to a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


async def records(source: str, schema: str, collection: str) -> AsyncIterator[list[Record]]:
    """The records of a database or a file, so many at a time. Raises ConfigError."""
    if source.endswith(_POCKETBASE):
        async for rows in read_pocketbase(Path(source), collection, BATCH):
            yield [pocketbase.record(collection, word, document) for word, document in rows]
        return
    if not source.startswith(_SERVERS):
        async for batch in files.batches(Path(source), BATCH):
            yield batch
        return
    async for rows in read_gotrue("people", source, schema, BATCH):
        yield [parsed(f"user {uid}", document) for uid, document in rows]
