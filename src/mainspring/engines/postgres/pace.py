"""Which statements are planned once for all values.

PostgreSQL plans a prepared statement anew for each execution as long as it expects that knowing the values makes it
cheaper. For a page of rows it nearly always does, because it cannot tell how long a LIMIT of unknown size is; and planning
takes longer than most reads. So what is compared here are the plans themselves: a statement whose plan is the same with its
values and without them is not planned again. That is looked at from time to time, with other values, and doubted as soon as
it runs slowly.
"""

from __future__ import annotations

import json
from typing import Any, Final

import psycopg

from mainspring.engines.postgres.pool import Pool, Transaction
from mainspring.engines.postgres.session import PLANS, Command
from mainspring.errors import MainspringError

SLOW: Final = 0.1
"""Seconds after which a plan that was kept is doubted."""
FIRST_LOOKS: Final = (16, 64)
LOOKS_EVERY: Final = 4_096
_NAME: Final = "mainspring_looks"

Skeleton = tuple[Any, ...]


class Pace:
    """How one statement has gone so far. `fixed`: its plan does not depend on its values."""

    __slots__ = ("_equal", "_look", "_runs", "fixed")

    def __init__(self) -> None:
        self.fixed = False
        self._runs, self._equal, self._look = 0, 0, FIRST_LOOKS[0]

    def took(self, seconds: float) -> None:
        """The server has answered it after so many seconds; the wait for a connection says nothing about a plan."""
        if seconds > SLOW:
            self._doubt()

    def due(self) -> bool:
        """It has run once more. Returns whether to look at its plans now."""
        self._runs += 1
        if self._runs < self._look:
            return False
        later = (runs for runs in FIRST_LOOKS if runs > self._runs)
        self._look = next(later, self._runs + LOOKS_EVERY)
        return True

    async def look(self, pool: Pool, command: Command) -> None:
        """Compare its plan for these values with that for any. Where the server will not tell, nothing changes."""
        nulls = ", ".join(["NULL"] * len(command.arguments))
        generic = (
            Command(PLANS[True].replace("SET", "SET LOCAL", 1), prepared=False),
            Command(f"PREPARE {_NAME} AS {command.sql}", prepared=False),
            Command(f"EXPLAIN (FORMAT JSON) EXECUTE {_NAME}{f'({nulls})' if nulls else ''}", prepared=False),
            Command(f"DEALLOCATE {_NAME}", prepared=False),
        )
        explained = Command(f"EXPLAIN (FORMAT JSON) {command.sql}", command.arguments, prepared=False)
        try:
            async with Transaction(pool) as transaction:
                custom, _, _, planned, _ = await transaction.finish((), explained, *generic)
        except (psycopg.Error, MainspringError):
            return
        self.compare(custom.get_value(0, 0) or b"", planned.get_value(0, 0) or b"")

    def compare(self, custom: bytes, generic: bytes) -> None:
        """Two plans as JSON, for some values and for any: it is fixed when they were the same twice in a row."""
        if skeleton(json.loads(custom)[0]["Plan"]) != skeleton(json.loads(generic)[0]["Plan"]):
            self._doubt()
            return
        self._equal += 1
        self.fixed = self._equal >= len(FIRST_LOOKS)

    def _doubt(self) -> None:
        self.fixed, self._equal = False, 0


def skeleton(node: dict[str, Any]) -> Skeleton:
    """What a plan does, without what that is expected to cost: its nodes, in what order and by which indexes."""
    what = [node.get(key) for key in ("Node Type", "Parent Relationship", "Relation Name", "Alias", "Index Name", "Subplan Name")]
    how = [node.get(key) for key in ("Scan Direction", "Join Type", "Strategy")]
    sorted_by = [tuple(node.get(key, ())) for key in ("Sort Key", "Presorted Key")]
    filtered = [key in node for key in ("Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "One-Time Filter")]
    return (*what, *how, *sorted_by, *filtered, *map(skeleton, node.get("Plans", ())))
