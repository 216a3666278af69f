"""Rows of a plan as JSON documents. Reads only; knows no write and no constraint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from mainspring.datatypes import Kind, to_json
from mainspring.engines.memory.store import State
from mainspring.plan.nodes import OrderBy, OutColumn, OutEmbed, Output, OutSpread, Rows
from mainspring.query.casts import cast
from mainspring.query.evaluate import Scope
from mainspring.query.expr import Param, Source
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
    """Answers `Rows` from one state, inside of `outside` (the scope of the row that embeds them, if any)."""

    def __init__(self, state: State, outside: Scope) -> None:
        self._state, self._outside = state, outside

    def matching(self, rows: Rows, among: Iterable[int] | None = None) -> list[Picked]:
        """Every row that may be seen and fits, in order, without the page; only rows `among` those numbers if given."""
        found = [
            (number, scope)
            for number, standing in self._standing(rows.source, among)
            for scope in standing
            if scope.holds(rows.where)
        ]
        return ordered(found, [_term(order) for order in rows.order])

    def page(self, rows: Rows, matching: list[Picked], most: int | None = None) -> list[Picked]:
        """The page of `matching` that the plan asks for, of at most `most` rows."""
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
            case OutEmbed():
                return self._embed(output, scope)
            case OutSpread(_, source, where, lifted):
                found = next((inner for inner in scope.standing(source) if inner.holds(where)), None)
                return None if found is None else self._value(lifted, found)

    def _embed(self, embed: OutEmbed, scope: Scope) -> Any:
        inner = Reader(self._state, scope)
        documents = inner.documents(embed.rows, inner.page(embed.rows, inner.matching(embed.rows)))
        if embed.single:
            return documents[0] if documents else None
        return documents


def _term(order: OrderBy) -> Term[Picked]:
    def key(picked: Picked) -> Any:
        return picked[1].value(order.key)

    return Term(key, order.key.type, order.descending, order.nulls_first)


def _column(output: OutColumn, scope: Scope) -> Any:
    value, ref = scope.value(output.ref), output.ref
    if output.cast is None:
        return _plain(to_json(ref.type, value))
    if ref.type.kind is Kind.JSON and value is None and not scope.is_null(ref):
        return "null" if output.cast.kind is Kind.TEXT else None
    return _plain(to_json(output.cast, cast(ref.type, output.cast, value)))


def _plain(value: Any) -> Any:
    """A number in decimal notation, where the encoder would write an exponent."""
    return msgspec.Raw(format(value, "f").encode()) if isinstance(value, Decimal) else value
