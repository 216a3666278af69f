"""Groups, compiled: an inner SELECT with GROUP BY whose columns are bare values, over which documents are made.

Documents are made outside because a value inside a document has another form than the one it is grouped and compared by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from mainspring.datatypes import DataType
from mainspring.engines.sql.compile import Compiler, needed_columns
from mainspring.errors import LimitExceeded
from mainspring.plan.nodes import OrderBy, OutAggregate, OutColumn, Output, Rows
from mainspring.query import expr
from mainspring.query.aggregates import too_many

NAME = "g"

_REFUSED = re.compile(r"mainspring: more than (\d+) rows in groups")


@dataclass(slots=True)
class Groups:
    """`inner` selects the groups. Over it, known as `g`: `pairs` are the documents' members, `where` picks, `order` orders.

    `page` picks those that may stand on the page, `place` is what a cursor tells of a group.
    """

    inner: str
    pairs: list[tuple[str, str]]
    where: str
    page: str
    order: str
    place: str


@dataclass(slots=True)
class _Columns:
    """The columns of the inner SELECT."""

    selected: list[str] = field(default_factory=list)

    def add(self, value: str) -> str:
        """One more column; how it is addressed from outside."""
        self.selected.append(f"{value} AS k{len(self.selected)}")
        return f"{NAME}.k{len(self.selected) - 1}"


def grouped(compiler: Compiler, rows: Rows, bound: int | None = None) -> Groups:
    """The groups of `rows`. With a `bound` no more than one row beyond it is looked at, and column `n` counts a group's rows."""
    assert rows.group is not None
    columns, keys = _Columns(), [str(number + 1) for number in rows.grouped_by()]
    outputs = [_output(compiler, columns, output) for output in rows.outputs]
    terms = [_term(compiler, columns, term, outputs) for term in rows.order]
    where = ""
    if rows.group.having != expr.TRUE:
        where = f" WHERE {columns.add(compiler.condition(rows.group.having))}"
    counted = ["count(*) AS n"] if bound is not None or not columns.selected else []  # without keys all rows are one group
    selected = ", ".join([*columns.selected, *counted])
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    later = _later(compiler, rows, terms)
    shown = [compiler.dialect.document_of(column, type_) for column, type_ in outputs]
    return Groups(
        f"SELECT {selected} FROM {_from(compiler, rows, bound)}{by}",
        [(output.key, value) for output, value in zip(rows.outputs, shown, strict=True)],
        where,
        f"{where}{' AND' if where else ' WHERE'} {later}" if later else where,
        _order(compiler, rows, terms),
        compiler.dialect.json_list(
            [compiler.dialect.cursor_value(column, term.key.type) for term, (column, _) in zip(rows.order, terms, strict=True)]
        ),
    )


def embedded(compiler: Compiler, rows: Rows) -> Groups:
    """The groups of an embed. The statement fails when those of all embeds, for all rows around them, stand for too many."""
    most = None if rows.group is None else rows.group.most
    found = grouped(compiler, rows, most)
    if most is None:
        return found
    refusal = f"mainspring: more than {most} rows in groups"
    few = compiler.dialect.few(f"{NAME}.n", most, refusal, compiler.arguments)
    holds = found.where.removeprefix(" WHERE ") or "1=1"
    where = f" WHERE CASE WHEN {few} THEN {holds} END"
    return replace(found, where=where, page=where)


def refused(message: str) -> LimitExceeded | None:
    """The typed error where a database says that groups of embeds stand for too many rows."""
    told = _REFUSED.search(message)
    return None if told is None else too_many(int(told[1]))


def _from(compiler: Compiler, rows: Rows, bound: int | None) -> str:
    tables, where = compiler.tables(rows.source), compiler.reached(rows.source, rows.where)
    if bound is None:
        return f"{tables} WHERE {where}"
    alias = f"t{rows.source.alias}"
    needed = ", ".join(f"{alias}.{compiler.dialect.quote(name)}" for name in needed_columns(rows)) or "1"
    return f"(SELECT {needed} FROM {tables} WHERE {where} LIMIT {bound + 1}) AS {alias}"


def _output(compiler: Compiler, columns: _Columns, output: Output) -> tuple[str, DataType | None]:
    """A column for an output, and the type of its bare value; None where it is a whole document."""
    match output:
        case OutColumn(_, ref, cast):
            value, type_ = compiler.operand(ref), ref.type
        case OutAggregate(_, aggregate, cast):
            value, type_ = compiler.aggregate(aggregate)
        case _:
            return columns.add(compiler.dialect.document_text(compiler.output(output))), None
    if cast is not None:
        value, type_ = compiler.dialect.convert(value, type_, cast)
    return columns.add(value), type_


def _term(
    compiler: Compiler, columns: _Columns, term: OrderBy, outputs: list[tuple[str, DataType | None]]
) -> tuple[str, DataType]:
    """A column for what groups are ordered by, and its type."""
    match term.key:
        case expr.Key(index, type_):
            return outputs[index][0], type_
        case expr.Aggregate() as aggregate:
            value, type_ = compiler.aggregate(aggregate)
            return columns.add(value), type_
        case _:
            raise AssertionError("groups are ordered by what makes them and by aggregates")


def _order(compiler: Compiler, rows: Rows, terms: list[tuple[str, DataType]]) -> str:
    order = [
        compiler.dialect.order(column, type_, term.descending, term.nulls_first, nullable=True)
        for term, (column, type_) in zip(rows.order, terms, strict=True)
    ]
    return f" ORDER BY {', '.join(order)}" if order else ""


def _later(compiler: Compiler, rows: Rows, terms: list[tuple[str, DataType]]) -> str:
    """The condition of groups that come after the page before; none where there is no such page."""
    if rows.after == expr.TRUE:
        return ""
    for term, (column, _) in zip(rows.order, terms, strict=True):
        if isinstance(term.key, expr.Key | expr.Aggregate):
            compiler.keys[term.key] = column
    later = compiler.condition(rows.after)
    compiler.keys.clear()
    return later
