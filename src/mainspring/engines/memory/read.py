"""Rows of a plan as JSON documents. Reads only; knows no write and no constraint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from mainspring.datatypes import DataType, Document, Kind, to_json
from mainspring.engines.memory.store import State
from mainspring.plan.nodes import OrderBy, OutAggregate, OutColumn, OutEmbed, OutGather, Output, OutSpread, Rows
from mainspring.query.aggregates import too_many
from mainspring.query.casts import cast
from mainspring.query.evaluate import Scope
from mainspring.query.expr import TRUE, Param, Source
from mainspring.query.order import Term, ordered

Picked = tuple[int, Scope]
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode(documents: Sequence[Mapping[str, Any]]) -> bytes:
    """The documents as a compact JSON array."""
    return _ENCODER.encode(documents)


def scope_of(state: State, params: Sequence[Any]) -> Scope:
    """A scope without rows which finds tables in `state`."""
    return Scope({}, params, lambda source: state.rows(source.table.name).values())


class Reader:
    """Answers `Rows` from one state, inside of `outside` (the scope of the row that embeds them, if any).

    `judge` is asked whether so many rows may stand in groups; `looked` counts those in groups of embeds.
    """

    def __init__(
        self, state: State, outside: Scope, judge: Callable[[int], None] | None = None, looked: Counter[str] | None = None
    ) -> None:
        self._state, self._outside, self._judge = state, outside, judge
        self._looked = Counter[str]() if looked is None else looked

    def matching(self, rows: Rows, among: Iterable[int] | None = None) -> list[Picked]:
        """Every row or group that may be seen and fits, in order, without the page; only rows `among` those numbers if given."""
        found = [
            (number, scope)
            for number, standing in self._standing(rows.source, among)
            for scope in standing
            if scope.holds(rows.where)
        ]
        if rows.group is not None:
            found = self._groups(rows, found)
        return ordered(found, [self._term(order) for order in rows.order])

    def _groups(self, rows: Rows, found: list[Picked]) -> list[Picked]:
        """The groups that the rows make, each standing for its rows. Raises LimitExceeded for too many rows."""
        assert rows.group is not None
        if self._judge is not None:
            self._judge(len(found))
        if rows.group.most is not None:
            self._looked["rows"] += len(found)
            if self._looked["rows"] > rows.group.most:
                raise too_many(rows.group.most)
        keys = [rows.outputs[number] for number in rows.grouped_by()]
        groups: dict[bytes, list[Scope]] = {} if keys else {encode(()): []}
        for _, scope in found:
            groups.setdefault(encode([{"": self._value(key, scope)} for key in keys]), []).append(scope)
        standing = [_group(rows, scopes, scopes[0] if scopes else self._outside) for scopes in groups.values()]
        return [(number, scope) for number, scope in enumerate(standing) if scope.holds(rows.group.having)]

    def _term(self, order: OrderBy) -> Term[Picked]:
        return Term(lambda picked: picked[1].compared(order.key), order.key.type, order.descending, order.nulls_first)

    def last(self, rows: Rows, picked: list[Picked]) -> bytes | None:
        """What a cursor tells of the last row picked: the values of the order, as JSON."""
        if not picked:
            return None
        scope = picked[-1][1]
        return _ENCODER.encode([_placed(order.key.type, scope.compared(order.key)) for order in rows.order])

    def page(self, rows: Rows, matching: list[Picked], most: int | None = None) -> list[Picked]:
        """The page of `matching` that the plan asks for, of at most `most` rows."""
        if rows.after != TRUE:
            matching = [(number, scope) for number, scope in matching if scope.holds(rows.after)]
        offset = self._number(rows.offset) or 0
        limits = [limit for limit in (self._number(rows.limit), most) if limit is not None]
        return matching[offset : offset + min(limits)] if limits else matching[offset:]

    def documents(self, rows: Rows, picked: Iterable[Picked]) -> list[dict[str, Any]]:
        """The outputs of the rows picked."""
        return [self._document(rows, scope) for _, scope in picked]

    def _number(self, param: Param | None) -> int | None:
        return None if param is None else self._outside.params[param.index]

    def _standing(self, source: Source, among: Iterable[int] | None) -> Iterator[tuple[int, Iterator[Scope]]]:
        stored = self._state.rows(source.table.name)
        for number in stored if among is None else among:
            yield number, self._outside.having(source, stored[number])

    def _document(self, rows: Rows, scope: Scope) -> dict[str, Any]:
        return {output.key: self._value(output, scope) for output in rows.outputs}

    def _value(self, output: Output, scope: Scope) -> Any:
        match output:
            case OutColumn():
                return _column(output, scope)
            case OutAggregate(_, aggregate, target):
                value = scope.value(aggregate)
                shown = value if target is None else cast(aggregate.type, target, value)
                return _plain(to_json(target or aggregate.type, shown))
            case OutEmbed(_, rows, single):
                documents = self._below(rows, scope)
                return documents if not single else documents[0] if documents else None
            case OutGather(key, rows):
                return [document[key] for document in self._below(rows, scope)]
            case OutSpread(_, source, where, lifted, first):
                found = scope.first(source, where, first)
                return None if found is None else self._value(lifted, found)

    def _below(self, rows: Rows, scope: Scope) -> list[dict[str, Any]]:
        """The documents of rows embedded in the row of `scope`."""
        inner = Reader(self._state, scope, looked=self._looked)
        return inner.documents(rows, inner.page(rows, inner.matching(rows)))


def _group(rows: Rows, scopes: list[Scope], first: Scope) -> Scope:
    """The scope of a group of rows, the first of which has what they share."""
    keys = [_cast(output, first) if isinstance(output, OutColumn) and scopes else None for output in rows.outputs]
    return replace(first, group=scopes, keys=keys)


def _placed(type_: DataType, value: Any) -> Any:
    """A value in a cursor: JSON in a list, so that a null that is there is not one that is missing."""
    return [to_json(type_, value.value)] if isinstance(value, Document) else _plain(to_json(type_, value))


def _column(output: OutColumn, scope: Scope) -> Any:
    ref = output.ref
    if output.cast is not None and ref.type.kind is Kind.JSON and scope.value(ref) is None and not scope.is_null(ref):
        return "null" if output.cast.kind is Kind.TEXT else None
    return _plain(to_json(output.type, _cast(output, scope)))


def _cast(output: OutColumn, scope: Scope) -> Any:
    """The canonical value of an output."""
    value = scope.value(output.ref)
    return value if output.cast is None else cast(output.ref.type, output.cast, value)


def _plain(value: Any) -> Any:
    """A number in decimal notation, where the encoder would write an exponent."""
    return msgspec.Raw(format(value, "f").encode()) if isinstance(value, Decimal) else value
