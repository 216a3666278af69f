"""From a draft to rows: embeds become outputs, what spreads lift out finds its place, groups get their order."""

from __future__ import annotations

from msgspec.structs import replace

from mainspring.datatypes import Kind
from mainspring.errors import NotGrouped, NotSupported
from mainspring.plan.draft import Draft
from mainspring.plan.nodes import (
    OrderBy,
    OutAggregate,
    OutColumn,
    OutEmbed,
    OutGather,
    Output,
    OutSpread,
    Rows,
)
from mainspring.query.expr import Aggregate, Key, Lookup, Position, Ref, both

_UNRANKED = (Kind.JSON, Kind.NATIVE)


def finish(draft: Draft) -> Rows:
    """The draft, frozen. Raises NotGrouped, NotSupported for what cannot stand in a group."""
    outputs = (*draft.outputs, *(output for child in draft.children for output in _embedded(child)))
    order = tuple(draft.order)
    if draft.group is not None:
        outputs = tuple(map(_grouped, outputs))
        order = _group_order(draft, outputs)
    where = both(*draft.where)
    return Rows(draft.source, outputs, where, order, draft.limit, draft.offset, draft.unique, draft.group)


# ---------------------------------------------------------------- embeds


def _embedded(child: Draft) -> list[Output]:
    """What an embed adds to its parent's outputs."""
    if child.embed is None:
        return []
    rows = finish(child)
    if not child.spread:
        return [OutEmbed(child.embed.key, rows, child.single)]
    lift = _lifted if child.single else _gathered
    return [lift(rows, output) for output in rows.outputs]


def _gathered(rows: Rows, output: Output) -> Output:
    return OutGather(output.key, replace(rows, outputs=(output,)))


def _lifted(rows: Rows, output: Output) -> Output:
    """An aggregate of a spread row's column is one of the row that it is lifted into."""
    if not isinstance(output, OutAggregate):
        return OutSpread(output.key, rows.source, rows.where, output, rows.first)
    of = output.aggregate.of or _identity(rows)
    return replace(output, aggregate=replace(output.aggregate, of=Lookup(rows.source, rows.where, of, rows.first)))


def _identity(rows: Rows) -> Ref:
    """A column that is null only where there is no row: counting rows means counting it."""
    table = rows.source.table
    for name in table.primary_key:
        return Ref(rows.source.alias, table.columns[name], table.columns[name].type)
    raise NotSupported("counting rows of a spread resource that has no primary key", instead="Count one of its columns.")


# ---------------------------------------------------------------- groups


def _grouped(output: Output) -> Output:
    """An output of a group: what was lifted out of a related row is a value to group by like any other."""
    flat = _flat(output)
    if isinstance(flat, OutColumn) and flat.type.kind is Kind.JSON:
        raise NotSupported(f"grouping by a value of type {flat.type}", instead="Group by its text with ->> instead of ->.")
    return flat


def _flat(output: Output) -> Output:
    if not isinstance(output, OutSpread):
        return output
    inner = _flat(output.output)
    if not isinstance(inner, OutColumn):
        return output
    return OutColumn(output.key, Lookup(output.source, output.where, inner.ref, output.first), inner.cast)


def _group_order(draft: Draft, outputs: tuple[Output, ...]) -> tuple[OrderBy, ...]:
    """The order asked for, then the values that make the group, so that pages neither repeat nor lose groups.

    A place in a list is a row's, not a group's.
    """
    terms = [term for term in draft.order if not isinstance(term.key, Position)]
    order = [replace(term, key=_group_key(draft, term, outputs)) for term in terms]
    used = {term.key.index for term in order if isinstance(term.key, Key)}
    order += [
        OrderBy(Key(number, output.type), descending=False, nulls_first=False)
        for number, output in enumerate(outputs)
        if isinstance(output, OutColumn) and number not in used and output.type.kind not in _UNRANKED
    ]
    return tuple(order)


def _group_key(draft: Draft, term: OrderBy, outputs: tuple[Output, ...]) -> Aggregate | Key:
    key = term.key
    if isinstance(key, Aggregate | Key):
        return key
    for number, output in enumerate(outputs):
        if isinstance(output, OutColumn) and output.cast is None and output.ref == key:
            return Key(number, key.type)
    raise NotGrouped(draft.table.name.name, _column(key))


def _column(key: Ref | Lookup | Position) -> str:
    return key.column.name if isinstance(key, Ref) else _column(key.ref)
