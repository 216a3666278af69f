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

from mainspring.engines.registry import read_people
from mainspring.services.identity.imports import files
from mainspring.services.identity.imports.imports import BATCH, Imports
from mainspring.services.identity.imports.records import Record, parsed
from mainspring.services.identity.service import Identity
from mainspring.settings import Settings

_SHOWN_EVERY: Final = 100_000
_SERVERS: Final = ("postgresql:", "postgres:")
_SUMS: Final = ("taken", "already_there", "passed_over", "left_behind")


async def import_people(identity: Identity, given: argparse.Namespace, _: Settings) -> str:
    """Take people in. Whoever cannot be is named on standard error, and `given.incomplete` is set. Returns the sums."""
    gc.enable()  # other commands are done before it matters; here there may be millions of people
    imports, sums = Imports(identity.parts), Counter[str]()
    async for found in records(given.source, given.schema):
        outcome = await imports.take(found, dry=given.dry_run)
        before = sums.total() // _SHOWN_EVERY
        sums.update(taken=outcome.taken, already_there=outcome.there)
        sums.update(passed_over=len(outcome.passed_over), left_behind=len(outcome.left_behind))
        for place, reason in (*outcome.passed_over, *outcome.left_behind):
            print(printable(f"{place}: {reason}"), file=sys.stderr)
        if sums.total() // _SHOWN_EVERY > before:
            print(f"{sums.total()} so far", file=sys.stderr, flush=True)
    given.incomplete = bool(sums["passed_over"] or sums["left_behind"])
    return _told(sums, given)


def _told(sums: Counter[str], given: argparse.Namespace) -> str:
    named = {name: sums[name] for name in _SUMS}
    if given.format == "json":
        return json.dumps({**named, "dry_run": given.dry_run})
    lines = [f"{name.replace('_', ' '):<14}{many}" for name, many in named.items()]
    return "\n".join([*lines, *(["nothing was written"] if given.dry_run else [])])


def printable(text: str) -> str:
    """A text that does nothing to a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


async def records(source: str, schema: str) -> AsyncIterator[list[Record]]:
    """The records of a database or a file, so many at a time. Raises ConfigError."""
    if not source.startswith(_SERVERS):
        async for batch in files.batches(Path(source), BATCH):
            yield batch
        return
    async for rows in read_people(source, schema, BATCH):
        yield [parsed(f"user {uid}", document) for uid, document in rows]
