"""From a request's raw values to canonical parameters and rows. The only place where values meet their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from mainspring.catalog.model import Default, Produced
from mainspring.datatypes import (
    JSON,
    TEXT,
    DataType,
    Document,
    Kind,
    body_position,
    check_text,
    format_utc,
    from_json,
    from_text,
    text_reader,
)
from mainspring.errors import BodyInvalid, LimitExceeded, NotNullViolated, ValueInvalid, ValueOutOfRange
from mainspring.plan.nodes import ParamSpec, Upsert, Write
from mainspring.principal import Principal
from mainspring.query import regex
from mainspring.query.ast import Auth, Const, Element, Now, Resolution, Slot
from mainspring.query.ops import Form
from mainspring.query.search import check

Binder = Callable[[Sequence[Any], Principal], Any]

MAX_LIST = 10_000
MAX_PATTERN = 1_000
MAX_SEARCH = 2_000


class _Default(Enum):
    DEFAULT = "default"


DEFAULT: Final = _Default.DEFAULT
"""Stands in a written row where the database's own default applies."""


def binders(specs: Sequence[ParamSpec]) -> tuple[Binder, ...]:
    """One callable per parameter: (request values, principal) -> canonical value; of JSON a Document.

    They raise ValueInvalid or ValueOutOfRange naming the place.
    """
    return tuple(_binder(spec) for spec in specs)


def _binder(spec: ParamSpec) -> Binder:
    match spec.source:
        case Slot(index):
            return _slot(index, spec)
        case Const(value):
            fixed = _constant(spec, value)
            return lambda values, principal: fixed
        case Auth():
            return _auth(spec.source, spec.type, spec.form)
        case Now():
            return lambda values, principal: now(spec.type)
        case Element(slot, place):
            return _element(slot, place, spec)


def _element(slot: int, place: int, spec: ParamSpec) -> Binder:
    def bind(values: Sequence[Any], principal: Principal) -> Any:
        try:
            value = values[slot][place]
            return _told(value) if spec.type.kind is Kind.JSON else from_json(spec.type, value)
        except IndexError:
            raise ValueInvalid("cursor", "...", spec.where, reason="it belongs to another order") from None
        except (ValueInvalid, ValueOutOfRange) as error:
            error.where = spec.where
            raise

    return bind


def _told(value: Any) -> Document | None:
    """JSON in a cursor: a list of the one value, since a null that is there is not one that is missing."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 1:
        raise ValueInvalid("cursor", "...", reason="it belongs to another order")
    return Document(from_json(JSON, value[0]))


def _slot(index: int, spec: ParamSpec) -> Binder:
    type_, where = spec.type, spec.where
    read = text_reader(type_) if spec.form is Form.SCALAR and type_.kind is not Kind.JSON else _READERS[spec.form]

    def bind(values: Sequence[Any], principal: Principal) -> Any:
        try:
            return read(type_, values[index])
        except (ValueInvalid, ValueOutOfRange) as error:
            error.where = error.where or where
            raise

    return bind


def _scalar(type_: DataType, value: Any) -> Any:
    found = from_text(type_, value) if isinstance(value, str) else from_json(type_, value)
    return found if value is None else _compared(type_, found)


def _compared(type_: DataType, canonical: Any) -> Any:
    return Document(canonical) if type_.kind is Kind.JSON else canonical


def _list(type_: DataType, value: Sequence[Any]) -> list[Any]:
    if len(value) > MAX_LIST:
        raise LimitExceeded(what="a list of values", limit=MAX_LIST, unit="values")
    return [_scalar(type_, item) for item in value]


def _values(type_: DataType, value: Any) -> list[Any]:
    """The items of an array literal (or of a list)."""
    if not isinstance(value, str):
        return _list(type_, value)
    if type_.kind is Kind.JSON:
        return _list(type_, from_text(DataType(Kind.ARRAY, item=TEXT), value))
    items: list[Any] = from_text(DataType(Kind.ARRAY, item=type_), value)
    if len(items) > MAX_LIST:
        raise LimitExceeded(what="a list of values", limit=MAX_LIST, unit="values")
    return items


def _patterns(type_: DataType, value: Any) -> list[Any]:
    return [None if item is None else _pattern(type_, item) for item in _values(type_, value)]


def _regexes(type_: DataType, value: Any) -> list[Any]:
    return [None if item is None else _regex(type_, item) for item in _values(type_, value)]


def _regex(type_: DataType, value: str) -> str:
    if len(value) > MAX_PATTERN:
        raise LimitExceeded(what="a pattern", limit=MAX_PATTERN, unit="characters")
    regex.check(check_text(type_, value))
    return value


def _count(type_: DataType, value: Any) -> int | None:
    number: int | None = _scalar(type_, value)
    if number is not None and number < 0:
        raise ValueOutOfRange(str(type_), str(number), reason="it must not be negative")
    return number


def _pattern(type_: DataType, value: str) -> str:
    if len(value) > MAX_PATTERN:
        raise LimitExceeded(what="a pattern", limit=MAX_PATTERN, unit="characters")
    trailing = len(value) - len(value.rstrip("\\"))
    if trailing % 2:
        raise ValueInvalid(type="pattern", value=value, reason="it must not end with the escape character")
    return check_text(type_, value)


def _words(type_: DataType, value: Any) -> str:
    """What is searched for, bounded."""
    text = check_text(type_, value)
    if len(text) > MAX_SEARCH:
        raise LimitExceeded(what="a search query", limit=MAX_SEARCH, unit="characters")
    return text


def _search(type_: DataType, value: Any) -> str:
    text = _words(type_, value)
    check(text)
    return text


_READERS: dict[Form, Callable[[DataType, Any], Any]] = {
    Form.SCALAR: _scalar,
    Form.LIST: _list,
    Form.PATTERN: _pattern,
    Form.VALUES: _values,
    Form.PATTERNS: _patterns,
    Form.REGEX: _regex,
    Form.REGEXES: _regexes,
    Form.COUNT: _count,
    Form.SEARCH: _search,
    Form.WORDS: _words,
}


def _constant(spec: ParamSpec, value: Any) -> Any:
    if spec.form in (Form.LIST, Form.VALUES, Form.PATTERNS, Form.REGEXES):
        return [_fixed(spec.type, item) for item in value]
    if spec.form in (Form.SEARCH, Form.WORDS) and value is not None:
        return _READERS[spec.form](spec.type, value)
    return _fixed(spec.type, value)


def _fixed(type_: DataType, value: Any) -> Any:
    return None if value is None else _compared(type_, from_json(type_, value))


def _auth(source: Auth, type_: DataType, form: Form) -> Binder:
    if source.contains is not None:
        return lambda values, principal: _holds(fact(principal, source.path), source.contains)
    if source.path == ("uid",) and type_.kind in (Kind.UUID, Kind.TEXT):
        return lambda values, principal: principal.uid  # canonical already
    if form is Form.LIST:
        return lambda values, principal: _claimed_list(type_, fact(principal, source.path))
    return lambda values, principal: _fact(type_, _claimed(type_, fact(principal, source.path)))


def fact(principal: Principal, path: tuple[str, ...]) -> Any:
    """What the caller's token says at an `Auth` path."""
    match path:
        case ("uid",):
            return principal.uid
        case ("role",):
            return principal.role
        case ("email",):
            return principal.claim("email")
        case ("claims", *keys):
            return principal.claim(*keys)
        case _:
            raise ValueError(f"no such fact about a caller: {path}")


def _fact(type_: DataType, canonical: Any) -> Any:
    return None if canonical is None else _compared(type_, canonical)


def _holds(value: Any, item: str | None) -> bool:
    return isinstance(value, list | tuple) and item in value


def _claimed(type_: DataType, value: Any) -> Any:
    """A claim of the wrong form is no claim: it compares as null, which grants nothing."""
    try:
        return from_json(type_, value)
    except (ValueInvalid, ValueOutOfRange, LimitExceeded):
        return None


def _claimed_list(type_: DataType, value: Any) -> list[Any]:
    """A claim that is a list, without the items of the wrong form; anything else is an empty list."""
    items = value if isinstance(value, list | tuple) else ()
    claimed = (_claimed(type_, item) for item in items[:MAX_LIST])
    return [_compared(type_, item) for item in claimed if item is not None]


def now(type_: DataType) -> Any:
    """The current moment in the canonical form of `type_` (UTC)."""
    text = format_utc(datetime.now(UTC))
    match type_.kind:
        case Kind.TIMESTAMPTZ:
            return text
        case Kind.TIMESTAMP:
            return text.removesuffix("+00:00")
        case Kind.DATE:
            return text[:10]
        case Kind.TIME:
            return text.removesuffix("+00:00")[11:]
        case _:
            return from_json(type_, datetime.now(UTC))


def default_value(default: Default, type_: DataType, principal: Principal) -> Any:
    """A default's canonical value for one row."""
    match default:
        case Produced(produce):
            return from_json(type_, produce())
        case Const(value):
            return from_json(type_, value)
        case Auth():
            return _claimed(type_, fact(principal, default.path))
        case Now():
            return now(type_)


def written(writes: Sequence[Write], rows: Sequence[Mapping[str, Any]], principal: Principal) -> list[tuple[Any, ...]]:
    """The rows as they are to be stored: per row one canonical value (or DEFAULT) per write.

    Raises ValueInvalid, ValueOutOfRange (naming row and column) and NotNullViolated.
    """
    return [tuple(_written(write, row, number, principal) for write in writes) for number, row in enumerate(rows)]


def _written(write: Write, row: Mapping[str, Any], number: int, principal: Principal) -> Any:
    if write.given and write.column in row:
        value = _from_body(write, row[write.column], number)
    elif write.default is not None:
        value = default_value(write.default, write.type, principal)
    elif write.database:
        return DEFAULT
    else:
        value = None
    if value is None and write.required:
        raise NotNullViolated(table=write.table, columns=(write.column,))
    return value


def _from_body(write: Write, value: Any, number: int) -> Any:
    try:
        return from_json(write.type, value)
    except (ValueInvalid, ValueOutOfRange) as error:
        error.where = body_position(number, write.column)
        raise


def refuse_twice(upsert: Upsert, writes: Sequence[Write], rows: Sequence[tuple[Any, ...]]) -> None:
    """Raises BodyInvalid when a merging upsert names one key twice: which row should win is not said."""
    positions = [position for position, write in enumerate(writes) if write.column in upsert.key]
    if upsert.resolution is not Resolution.MERGE or len(positions) < len(upsert.key) or len(rows) < 2:
        return
    keys = [tuple(row[position] for position in positions) for row in rows]
    whole = [key for key in keys if None not in key and DEFAULT not in key]
    if len(set(whole)) < len(whole):
        raise affected_twice()


def affected_twice() -> BodyInvalid:
    """The refusal of a merging upsert that would overwrite one row twice."""
    return BodyInvalid(
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
        "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
    )
