"""Calls of the application's functions: who may, with which arguments, within which time; and what they answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from mainspring.catalog.model import Catalog, Table
from mainspring.catalog.names import nearest
from mainspring.catalog.routines import Routine
from mainspring.datatypes import BIGINT, TEXT, DataType, Kind, format_utc, from_json, from_text
from mainspring.engines.base import Engine
from mainspring.errors import (
    Busy,
    MainspringError,
    NotSingular,
    NotSupported,
    RoutineDenied,
    RoutineFailed,
    RoutineUnknown,
    RoutineWrites,
    TimedOut,
    TooManyAffected,
    ValueInvalid,
)
from mainspring.observe import FunctionFailed, Sink
from mainspring.plan.passes.features import no_features
from mainspring.policy.language import Names
from mainspring.principal import ANON, Principal
from mainspring.query.ast import (
    Call,
    End,
    Explain,
    Query,
    Selection,
    TableName,
)
from mainspring.services.data import Data, Request, Result
from mainspring.services.functions.answers import answer
from mainspring.services.functions.database import DatabaseFunctions
from mainspring.services.functions.declare import Function
from mainspring.services.functions.keyed import JSON, key_of, one_of, read_of
from mainspring.services.functions.rows import Rows
from mainspring.zones import clock

_encode = msgspec.json.Encoder(decimal_format="number").encode
_KEPT = (datetime, date, time, timedelta, Decimal, UUID, bytes)
"""What the encoder is to write by itself."""
_WAITING = 4
"""How many calls may wait for each thread."""


class Caller:
    """Calls the functions of an application. `threads` serve those that are not async; `seconds` bounds every call.

    `make_engine` makes the engine that chooses from rows which a function makes itself. `database` calls the database's own.
    Functions reach every schema through `inner`; what a request may choose of their answers goes through `data`.
    """

    def __init__(
        self,
        functions: Mapping[TableName, Function],
        names: Names,
        data: Data,
        inner: Data,
        observe: Sink,
        *,
        threads: int,
        seconds: float,
        make_engine: Callable[[], Engine],
        database: DatabaseFunctions | None = None,
    ) -> None:
        self._make_engine, self._database = make_engine, database
        self._functions, self._names, self._data, self._inner, self._observe = functions, names, data, inner, observe
        self._threads, self._seconds = threads, seconds
        self._pool = ThreadPoolExecutor(threads, "mainspring-function")
        self._under_way = 0

    def require_table(self, name: TableName, principal: Principal) -> Table:
        """The table, where requests may reach it. Raises TableUnknown."""
        return self._data.require_table(name, principal)

    def require_routine(self, call: Call) -> Routine:
        """The function that a call means. Raises RoutineUnknown, RoutineAmbiguous."""
        own = self._of_database(call.routine)
        return self._find(call).routine if own is None else own.require_routine(call)

    def reads_bodies(self, name: TableName) -> bool:
        """Whether the function is the database's own, which reads a body as it came."""
        return self._of_database(name) is not None

    def _of_database(self, name: TableName) -> DatabaseFunctions | None:
        return self._database if self._database is not None and name in self._database.opened.roles else None

    def prepare(self, query: Query, principal: Principal) -> None:
        """Plan what can be planned of a call before it is made. Raises what `execute` raises of it before it runs anything."""
        assert isinstance(query, Call)
        own = self._of_database(query.routine)
        if own is None:
            self._checked(query, principal)
        else:
            own.prepare(query, principal)

    async def execute(self, query: Query, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Answer a call. Raises RoutineUnknown, RoutineDenied, RoutineWrites, ValueInvalid, TimedOut, Busy, RoutineFailed,
        MediaUnavailable and what the function itself refuses.
        """
        assert isinstance(query, Call)
        if own := self._of_database(query.routine):
            return await own.execute(query, values, principal)
        function = self._checked(query, principal)
        arguments = _arguments(function, values[query.given.index], text=not query.body)
        answered = await self._run(function, {**arguments, **self._injected(function, principal)})
        if function.table is not None:
            return await self._rows(function, query, list(values), answered, principal)
        if function.made is not None and query.selection != Selection():
            return await self._made(function, function.made, query, values, answered)
        return _value(function, query, answered)

    def _checked(self, query: Call, principal: Principal) -> Function:
        """The function of a call that may be made."""
        function = self._find(query)
        if not function.open_to(principal):
            raise RoutineDenied(query.routine.name, principal.role == ANON)
        if query.read_only and not function.routine.read_only:
            raise RoutineWrites(query.routine.name)
        if query.terms.explain is not None:
            self._explainable(function, query, query.terms.explain, principal)
        if query.terms.end is End.ROLLBACK and not function.routine.read_only:
            raise NotSupported("undoing what a function does (tx=rollback)", instead="Declare it read_only=True where it is.")
        if query.terms.features:
            self._featured(function, query, principal)
        return function

    def _explainable(self, function: Function, query: Call, explain: Explain, principal: Principal) -> None:
        """Raises NotSupported unless the answer is read from a table, by a read that has a plan, and making it may change things
        only where that is asked for.
        """
        if function.table is None:
            what = "the execution plan of a function whose answer is not read from a table"
            raise NotSupported(what, instead="Ask for that of a function that answers rows of a model.")
        if not function.routine.read_only and "analyze" not in explain.options:
            what = "the execution plan of a function that may write, without running it"
            raise NotSupported(what, instead="Ask with options=analyze, or declare it read_only=True where it is.")
        self._plan_read(function.table, query, principal)

    def _featured(self, function: Function, query: Call, principal: Principal) -> None:
        """Raises MediaUnavailable, before the function is run, unless its answer can be read as features."""
        if function.table is None or not function.routine.returns.many:
            raise no_features("this function answers no rows of a table")
        self._plan_read(function.table, query, principal)

    def _plan_read(self, table: TableName, query: Call, principal: Principal) -> None:
        """Plan the read of what a call answers; the keys of its rows follow the last of its values, the arguments."""
        self._data.prepare(read_of(self._names.catalog.tables[table], query, query.given.index + 1), principal)

    def _find(self, call: Call) -> Function:
        function = self._functions.get(call.routine)
        given = set(call.arguments)
        if function is None:
            opened = self._database.opened.roles if self._database is not None else {}
            known = [name.name for name in (*self._functions, *opened) if name.schema == call.routine.schema]
            close = nearest(call.routine.name, known, least=0.75)
            raise RoutineUnknown(*call.routine, f"{call.routine.schema}.{close}" if close else None, tuple(sorted(given)))
        required = {each.name for each in function.routine.parameters if each.required}
        if not required <= given <= function.types.keys():
            names = ", ".join(sorted(function.types))
            raise RoutineUnknown(*call.routine, f"{call.routine}({names})", tuple(sorted(given)))
        return function

    def _injected(self, function: Function, principal: Principal) -> dict[str, Any]:
        made = {Principal: principal, Rows: Rows(self._names, self._inner, principal)}
        return {name: made[type_] for name, type_ in function.injected.items()}

    # ------------------------------------------------------------ running

    async def _run(self, function: Function, arguments: Mapping[str, Any]) -> Any:
        try:
            async with asyncio.timeout(self._seconds):
                if inspect.iscoroutinefunction(function.call):
                    return await function.call(**arguments)
                return await self._in_thread(function, arguments)
        except TimeoutError:
            raise TimedOut(self._seconds) from None
        except MainspringError:
            raise
        except Exception as error:
            self._observe(FunctionFailed(function.routine.name.name, error))
            raise RoutineFailed(function.routine.name.name) from error

    async def _in_thread(self, function: Function, arguments: Mapping[str, Any]) -> Any:
        """A thread cannot be stopped: one that overruns keeps its place until it is done."""
        if self._under_way >= self._threads * (1 + _WAITING):
            raise Busy("The functions")
        self._under_way += 1
        running = asyncio.get_running_loop().run_in_executor(self._pool, lambda: function.call(**arguments))
        running.add_done_callback(self._done)
        return await asyncio.shield(running)

    def _done(self, running: asyncio.Future[Any]) -> None:
        self._under_way -= 1
        if not running.cancelled():
            running.exception()

    async def stop(self) -> None:
        """Take no more calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------ answers

    async def _rows(self, function: Function, query: Call, values: list[Any], given: Any, principal: Principal) -> Result:
        """Rows of a model: read by their keys, as the caller may see them, as the request wants them."""
        assert function.table is not None
        table = self._names.catalog.tables[function.table]
        answered = list(given or ()) if function.routine.returns.many else [] if given is None else [given]
        key = table.primary_key
        attributes = {column: name for name, column in self._names.attributes(type(answered[0])).items()} if answered else {}
        read = read_of(table, query, len(values))
        values.append([key_of(row, key[0], attributes.get(key[0], key[0])) for row in answered])
        result = await self._data.execute(read, values, principal)
        if query.terms.explain is not None:
            return result
        _judge(query, result.count)
        if not function.routine.returns.many:
            return one_of(result)
        return result

    async def _made(self, function: Function, table: Table, query: Call, values: Sequence[Any], made: Any) -> Result:
        """Rows that the function made itself, as the request wants them."""
        many = function.routine.returns.many
        result = await answer(table, list(made or ()) if many else [made], query, values, self._make_engine)
        _judge(query, result.count)
        return result if many else one_of(result)


def _judge(query: Call, count: int) -> None:
    if query.singular and count != 1:
        raise NotSingular(count)
    if query.terms.max_affected is not None and count > query.terms.max_affected:
        raise TooManyAffected(count)


def _value(function: Function, query: Call, answered: Any) -> Result:
    if function.routine.returns.void:
        return Result(None, 0, void=True)
    if query.selection != Selection():
        raise NotSupported("choosing from the answer of a function whose rows have no declared fields")
    try:
        body = _encode(answered if query.terms.timezone is None else _in_zone(answered, query.terms.timezone))
    except TypeError as error:
        raise RoutineFailed(function.routine.name.name) from error
    count = len(answered) if function.routine.returns.many else 1
    _judge(query, count)
    return Result(body, count, count, media=JSON)


def _in_zone(answer: Any, zone: str) -> Any:
    """The answer with its moments as texts of a time zone."""
    match msgspec.to_builtins(answer, builtin_types=_KEPT):
        case datetime(tzinfo=tzinfo()) as moment:
            return clock(format_utc(moment.astimezone(UTC)), zone)
        case dict() as members:
            return {name: _in_zone(item, zone) for name, item in members.items()}
        case list() | tuple() as items:
            return [_in_zone(item, zone) for item in items]
        case other:
            return other


def _arguments(function: Function, given: Any, *, text: bool) -> dict[str, Any]:
    """The arguments in the types of their parameters. Raises ValueInvalid naming the one that does not fit."""
    found: dict[str, Any] = {}
    for name, value in (given or {}).items():
        type_ = function.types[name]
        try:
            said = _listed(value) if text and name in function.lists and isinstance(value, str) else value
            found[name] = _bounded(msgspec.convert(said, type_, strict=not text))
        except (msgspec.ValidationError, ValueInvalid, ValueError) as error:
            shown = getattr(type_, "__name__", str(type_))
            raise ValueInvalid(shown, str(value), reason=str(error), where=f"argument {name}") from None
    return found


def _bounded(value: Any) -> Any:
    """A number as any database could take it. Raises ValueOutOfRange."""
    return from_json(BIGINT, value) if type(value) is int else value


def _listed(text: str) -> Any:
    """A list that a query string says in one text: an array literal, or its only item. Raises ValueInvalid."""
    return from_text(_TEXTS, text) if text[:1] in ("{", "[") else [text]


_TEXTS = DataType(Kind.ARRAY, item=TEXT)


def catalogued(catalog: Catalog, functions: Mapping[TableName, Function]) -> Catalog:
    """The catalog with the application's functions in it."""
    return replace(catalog, routines={name: (function.routine,) for name, function in functions.items()})
