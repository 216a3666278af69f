"""A change that is run once, for its plan and for its rows: EXPLAIN ANALYZE keeps to itself which rows it has changed.

So the change stands in a WITH query, and its rows are kept in a setting until they are asked for, in the same round trip. Of the
plan only the part of the change itself is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from psycopg.pq.abc import PGresult

from mainspring.engines.postgres.native.compile import explained
from mainspring.engines.postgres.pool import Share, Transaction
from mainspring.engines.postgres.session import Command
from mainspring.query.ast import Explain

_CHANGE, _SETTING = "ms_changed", "mainspring.changed"
_ROWS = Command(
    "SELECT e ->> 'f1', (e ->> 'f2')::boolean, e ->> 'f3'"
    f" FROM json_array_elements(current_setting('{_SETTING}')::json) WITH ORDINALITY AS r (e, n) ORDER BY n",
    prepared=False,
)
"""What the change has returned of its rows; no change returns more than three columns."""
_BEGINS, _ENDS, _INDENTED = f"  CTE {_CHANGE}".encode(), f"  ->  CTE Scan on {_CHANGE}".encode(), b" " * 8


class Analyzed(Share):
    """A transaction in which the statements `changing` are run by EXPLAIN ANALYZE; they return what they return without it.

    `plans` are those of the changes so far.
    """

    def __init__(self, whole: Transaction, explain: Explain, changing: Collection[str]) -> None:
        super().__init__(whole)
        self._explain, self._changing = explain, changing
        self.plans: list[bytes] = []

    async def verify(self, checks: Sequence[Command], *commands: Command) -> list[PGresult]:
        """Run `checks`, then `commands`, in the whole transaction."""
        asked = [each for command in commands for each in self._asked(command)]
        results = iter(await super().verify(checks, *asked))
        return [self._answer(command, results) for command in commands]

    async def end(self, how: Sequence[Command], *commands: Command) -> list[PGresult]:
        """Run commands, none of which is a change, and end the whole transaction."""
        return await self._whole.end(how, *commands)

    def _asked(self, command: Command) -> tuple[Command, ...]:
        if command.sql not in self._changing:
            return (command,)
        rows = f"coalesce(json_agg(ROW({_CHANGE}.*))::text, '[]')"
        kept = f"WITH {_CHANGE} AS ({command.sql}) SELECT set_config('{_SETTING}', {rows}, true) FROM {_CHANGE}"
        return Command(explained(kept, self._explain), command.arguments, prepared=False), _ROWS

    def _answer(self, command: Command, results: Iterator[PGresult]) -> PGresult:
        if command.sql in self._changing:
            self.plans.append((_part_of_document if self._explain.json else _part_of_text)(lines(next(results))))
        return next(results)


def lines(plan: PGresult) -> list[bytes]:
    """An execution plan as PostgreSQL tells it, line by line."""
    return [plan.get_value(row, 0) or b"" for row in range(plan.ntuples)]


def _part_of_document(plan: Sequence[bytes]) -> bytes:
    """The change's part of a plan in JSON, and what is told of the whole."""
    (told,) = msgspec.json.decode(b"\n".join(plan), type=list[dict[str, Any]])
    change = next(each for each in told["Plan"]["Plans"] if each.get("Subplan Name") == f"CTE {_CHANGE}")
    told["Plan"] = {name: value for name, value in change.items() if name not in ("Parent Relationship", "Subplan Name")}
    return msgspec.json.format(msgspec.json.encode([told]), indent=2)


def _part_of_text(plan: Sequence[bytes]) -> bytes:
    """The same of a plan in text. What stands between may hold any line: values are in it as they came."""
    begin = plan.index(_BEGINS) + 1
    end = max(place for place, line in enumerate(plan) if line.startswith(_ENDS))
    rest = next((place for place in range(end, len(plan)) if not plan[place].startswith(b" ")), len(plan))
    first, *more = plan[begin:end]
    return b"\n".join([first.removeprefix(b"    ->  "), *(line.removeprefix(_INDENTED) for line in more), *plan[rest:]])
