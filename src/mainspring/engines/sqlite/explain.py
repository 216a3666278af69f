"""Execution plans of reads: EXPLAIN QUERY PLAN of the very statement, policies and all. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from mainspring.engines.base import Request, Result
from mainspring.engines.sqlite.dialect import SqliteDialect
from mainspring.engines.sqlite.read import compile_read
from mainspring.engines.sqlite.reader import Readers
from mainspring.errors import NotSupported
from mainspring.plan.nodes import Plan, ReadPlan
from mainspring.principal import Principal
from mainspring.query.ast import Explain

Step = tuple[int, int, int, str]
"""A step's number, that of the step it belongs to (0: none), a figure of SQLite's own and what it does."""


class Explained:
    """A read whose plan is asked for."""

    def __init__(self, plan: Plan, explain: Explain, dialect: SqliteDialect, readers: Readers) -> None:
        if not isinstance(plan, ReadPlan):
            instead = "Ask for the plan of a read with the same filters."
            raise NotSupported("the execution plan of a write", by="SQLite", instead=instead)
        if explain.options:
            raise NotSupported(f"the option {explain.options[0]} of an execution plan", by="SQLite")
        statement = compile_read(plan, dialect)
        self._sql, self._arguments = f"EXPLAIN QUERY PLAN {statement.sql}", statement.arguments
        self._json, self._readers = explain.json, readers

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Ask for it."""
        steps = self._readers.all_here(self._sql, self._arguments(values, principal))
        body = msgspec.json.encode(_tree(steps, 0)) if self._json else "\n".join(_lines(steps, 0, 0)).encode()
        return Result(body + b"\n", 1)


def _tree(steps: Sequence[Step], parent: int) -> list[dict[str, Any]]:
    below = ((detail, _tree(steps, number)) for number, of, _, detail in steps if of == parent)
    return [{"Detail": detail, "Plans": plans} if plans else {"Detail": detail} for detail, plans in below]


def _lines(steps: Sequence[Step], parent: int, depth: int) -> Iterator[str]:
    for number, of, _, detail in steps:
        if of == parent:
            yield f"{'  ' * depth}{detail}"
            yield from _lines(steps, number, depth + 1)
