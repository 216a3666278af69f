"""One request as one transaction: told who asks, run, ended as it should be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from psycopg.pq.abc import PGresult

from mainspring.engines.base import Request, Result
from mainspring.engines.postgres.native.compile import Compiled
from mainspring.engines.postgres.native.faults import leaf
from mainspring.engines.postgres.native.request import Setting, Surroundings, settings
from mainspring.engines.postgres.pool import UNDONE, Pool, Transaction
from mainspring.engines.postgres.session import Command
from mainspring.errors import (
    KeyMismatch,
    NotSingular,
    ResponseHeadersInvalid,
    ResponseStatusInvalid,
    TooManyAffected,
)
from mainspring.plan.native.nodes import NativeCall, NativeInsert, NativePlan, NativeRead
from mainspring.plan.nodes import ReadPlan
from mainspring.principal import Principal
from mainspring.query.ast import Count, End, Terms

_BYTEA = 17
"""The type of a body that the database made of bytes."""

_PLAIN = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
"""What may stand in a header: no line break can end it and begin another."""

_COMMIT = (Command("COMMIT"),)
_ISOLATIONS = {"serializable": "SERIALIZABLE", "repeatable read": "REPEATABLE READ", "read committed": "READ COMMITTED"}


@dataclass(frozen=True, slots=True)
class Rules:
    """How transactions go: `rollback` unless the client says otherwise, the function that runs `before` every request.

    `hoisted` are the settings of a function that hold for its whole transaction; `anonymous` is the role of who has no token.
    """

    rollback: bool = False
    before: str | None = None
    prepared: bool = True
    hoisted: frozenset[str] = frozenset()
    max_rows: int | None = None
    anonymous: str = ""


class NativeRun:
    """A compiled plan of database mode."""

    __slots__ = ("_around", "_begin", "_compiled", "_isolations", "_more", "_plan", "_pool", "_rules")

    def __init__(self, plan: NativePlan, compiled: Compiled, pool: Pool, around: Surroundings, rules: Rules) -> None:
        self._plan, self._compiled, self._pool, self._around, self._rules = plan, compiled, pool, around, rules
        self._more = _settings_of(plan, rules)

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it as the caller. Raises DatabaseRefused, NotSingular, TooManyAffected, KeyMismatch, and the engine's errors."""
        try:
            async with Transaction(self._pool, _begin(self._plan, self._around, principal)) as transaction:
                return await self._work(transaction, self._commands(values, principal, request))
        except psycopg.Error as error:
            raise leaf(error, principal.role == self._rules.anonymous) from error

    async def _work(self, transaction: Transaction, commands: list[Command]) -> Result:
        terms, end = _terms(self._plan), self._end()
        if _judged(self._plan, terms):
            results = await transaction.run(*commands)
            result = self._result(results)
            self._judge(result, terms)
            await transaction.end(end)
            return result
        return self._result(await transaction.end(end, *commands))

    def _commands(self, values: Sequence[Any], principal: Principal, request: Request | None) -> list[Command]:
        prepared = self._rules.prepared
        told = settings(self._around, _schema(self._plan), principal, request, self._more)._replace(prepared=prepared)
        before = [Command(f"SELECT {self._rules.before}()", (), prepared)] if self._rules.before else []
        asked = [self._compiled] + ([self._compiled.estimate] if self._compiled.estimate else [])
        return [told, *before, *(Command(each.sql, each.bind(values, principal), prepared) for each in asked)]

    def _end(self) -> tuple[Command, ...]:
        asked = _terms(self._plan).end
        rollback = asked is End.ROLLBACK or (self._rules.rollback and asked is not End.COMMIT)
        return UNDONE if rollback else _COMMIT

    def _result(self, results: Sequence[PGresult]) -> Result:
        document = _document(self._plan)
        answers = results[1 + bool(self._rules.before) :]
        if document.explain is not None:
            lines = (answers[0].get_value(row, 0) or b"" for row in range(answers[0].ntuples))
            return Result(b"\n".join(lines) + b"\n", 1, media=document.media.encode())
        if answers[0].ntuples == 0:
            return Result(b"", 0, media=document.media.encode())
        if (grouped := _grouped(self._plan)) is not None:
            grouped.judge(int(answers[0].get_value(0, 7) or 0))
        result = _read(answers[0])
        result.media = document.media.encode()
        result.void = isinstance(self._plan, NativeCall) and self._plan.routine.returns.void
        if isinstance(self._plan, NativeInsert) and not self._plan.conflict:
            result.inserted = result.count
        if len(answers) > 1:
            result.total = self._estimated(result.total, answers[1])
        return result

    def _estimated(self, counted: int | None, answer: PGresult) -> int | None:
        """The planner's number; a count that reached the cap is no number of all rows."""
        planned = int(msgspec.json.decode(answer.get_value(0, 0) or b"[]")[0]["Plan"]["Plan Rows"])
        assert isinstance(self._plan, NativeRead | NativeCall)
        if self._plan.count is Count.PLANNED:
            return planned
        if counted is None or self._rules.max_rows is None or counted <= self._rules.max_rows:
            return counted
        return max(counted, planned)

    def _judge(self, result: Result, terms: Terms) -> None:
        if isinstance(self._plan, NativeInsert) and self._plan.put and result.count != 1:
            raise KeyMismatch
        if _singular(self._plan) and result.count != 1:
            raise NotSingular(result.count)
        if terms.max_affected is not None and result.count > terms.max_affected:
            raise TooManyAffected(result.count)


def _terms(plan: NativePlan) -> Terms:
    return plan.terms if isinstance(plan, NativeRead | NativeCall) else plan.written.terms


def _schema(plan: NativePlan) -> str:
    return plan.schema if isinstance(plan, NativeRead | NativeCall) else plan.written.schema


def _document(plan: NativePlan) -> Any:
    return plan.document if isinstance(plan, NativeRead | NativeCall) else plan.written.document


def _singular(plan: NativePlan) -> bool:
    return plan.singular if isinstance(plan, NativeRead | NativeCall) else plan.written.singular


def _judged(plan: NativePlan, terms: Terms) -> bool:
    """Whether the answer decides how the transaction ends."""
    decided = _grouped(plan) is not None or (isinstance(plan, NativeInsert) and bool(plan.put))
    return decided or _singular(plan) or (terms.max_affected is not None and not isinstance(plan, NativeRead | NativeInsert))


def _grouped(plan: NativePlan) -> ReadPlan | None:
    """How the rows of a call are read, where it groups them and may not look at too many."""
    read = plan.guarded if isinstance(plan, NativeCall) else None
    return None if read is None or read.max_grouped is None else read


def _begin(plan: NativePlan, around: Surroundings, principal: Principal) -> Command:
    reads = isinstance(plan, NativeRead) or (isinstance(plan, NativeCall) and plan.read_only)
    asked = plan.routine.isolation if isinstance(plan, NativeCall) else None
    asked = asked or dict(around.roles.get(principal.role, ())).get("default_transaction_isolation")
    isolation = _ISOLATIONS.get((asked or "").lower(), "READ COMMITTED")
    return Command(f"BEGIN ISOLATION LEVEL {isolation}{' READ ONLY' if reads else ' READ WRITE'}")


def _settings_of(plan: NativePlan, rules: Rules) -> list[Setting]:
    zone = _terms(plan).timezone
    found = [("timezone", zone)] if zone else []
    if isinstance(plan, NativeCall):
        found += [setting for setting in plan.routine.settings if setting[0] in rules.hoisted]
    return found


# ---------------------------------------------------------------- the answer's one row


def _read(row: PGresult) -> Result:
    total, count, body, headers, status, keys, inserted = (row.get_value(0, column) for column in range(7))
    if body is not None and row.ftype(2) == _BYTEA:
        body = bytes.fromhex(body[2:].decode())
    return Result(
        body,
        int(count or 0),
        None if total is None else int(total),
        None if inserted is None else int(inserted),
        [msgspec.json.decode(keys)] if keys is not None else (),
        status=_status(status),
        headers=_headers(headers),
    )


def _status(text: bytes | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or not 100 <= int(text) <= 999:
        raise ResponseStatusInvalid
    return int(text)


def _headers(text: bytes | None) -> list[tuple[bytes, bytes]]:
    if text is None:
        return []
    try:
        items = msgspec.json.decode(text, type=list[dict[str, str]])
    except msgspec.DecodeError as error:
        raise ResponseHeadersInvalid from error
    if any(len(item) != 1 or not _PLAIN.fullmatch("".join((*item.keys(), *item.values()))) for item in items):
        raise ResponseHeadersInvalid
    return [(name.lower().encode(), value.encode()) for item in items for name, value in item.items()]
