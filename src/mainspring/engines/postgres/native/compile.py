"""From a native plan to one statement that answers one row.

    total, count, body, response headers, response status, keys, inserted[, rows looked at]

Identifiers come from the catalog or are quoted, values are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.catalog.model import Catalog
from mainspring.engines.postgres.dialect import PostgresDialect
from mainspring.engines.postgres.names import literal
from mainspring.engines.postgres.native.arguments import Arguments
from mainspring.engines.postgres.native.call import called
from mainspring.engines.postgres.native.document import ANSWERED, ROWS, body
from mainspring.engines.postgres.native.tree import Trees
from mainspring.engines.postgres.native.write import INSERTED, deleted, inserted, updated
from mainspring.engines.postgres.read import compile_read
from mainspring.plan.native.nodes import (
    SOURCE,
    Form,
    NativeCall,
    NativeDelete,
    NativeInsert,
    NativePlan,
    NativeRead,
    NativeUpdate,
    Node,
    Written,
)
from mainspring.plan.nodes import ReadPlan
from mainspring.principal import Principal
from mainspring.query.ast import Count, Explain, Resolution

_OPTIONS = {"analyze": "ANALYZE", "verbose": "VERBOSE", "settings": "SETTINGS", "buffers": "BUFFERS", "wal": "WAL"}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement; `estimate` is the one whose execution plan estimates the number of all rows."""

    sql: str
    bind: Callable[[Sequence[Any], Principal], list[Any]]
    estimate: Compiled | None = None


def compile_plan(plan: NativePlan, catalog: Catalog, max_rows: int | None) -> Compiled:
    """The statement of a plan. Raises DatabaseRefused for a cast to a type that is not there."""
    match plan:
        case NativeRead():
            return _read(plan, catalog.types, max_rows)
        case NativeCall(guarded=ReadPlan() as read):
            return _guarded(plan, read)
        case NativeCall():
            return _call(plan, catalog.types, max_rows)
        case NativeInsert():
            arguments = Arguments()
            return _write(plan.written, arguments, catalog.types, inserted(plan, arguments), plan)
        case NativeUpdate():
            arguments = Arguments()
            return _write(plan.written, arguments, catalog.types, updated(plan, arguments), None)
        case NativeDelete():
            arguments = Arguments()
            return _write(plan.written, arguments, catalog.types, deleted(plan, arguments), None)


def _read(plan: NativeRead, types: Mapping[str, str], max_rows: int | None) -> Compiled:
    arguments = Arguments()
    trees = Trees(arguments, types, max_rows)
    rows = trees.select(plan.root)
    counting, total = _total(plan.root, plan.count, trees, f"count({ROWS})")
    sql = (
        f"WITH {SOURCE.name} AS ({rows}){counting} SELECT {total}, count({ROWS}), {body(plan.document)}, {ANSWERED}, NULL, NULL "
        f"FROM (SELECT * FROM {SOURCE.name}) AS {ROWS}"
    )
    return Compiled(explained(sql, plan.document.explain), arguments.bind, _estimate(plan.root, plan.count, types))


def _call(plan: NativeCall, types: Mapping[str, str], max_rows: int | None) -> Compiled:
    arguments = Arguments()
    trees = Trees(arguments, types, max_rows)
    source = called(plan, arguments)
    counted = f"count({ROWS})" if plan.routine.returns.many else "1"
    counting, total = _total(plan.root, plan.count, trees, counted)
    sql = (
        f"WITH {SOURCE.name} AS ({source}){counting} SELECT {total}, {counted}, {body(plan.document, plan.routine)}, "
        f"{ANSWERED}, NULL, NULL FROM ({trees.select(plan.root)}) AS {ROWS}"
    )
    return Compiled(explained(sql, plan.document.explain), arguments.bind)


def _guarded(plan: NativeCall, read: ReadPlan) -> Compiled:
    """The function's rows, made once, as a read of their table: with its guard and the columns that the caller may see."""
    found = compile_read(read, PostgresDialect(), {read.rows.source.alias: SOURCE.name})
    arguments = Arguments(after=len(found.makers))
    total, looked = "ms_answer.total" if read.count else "NULL", ", ms_answer.looked" if read.max_grouped is not None else ""
    names = f"body, count{', total' if read.count else ''}{', looked' if looked else ''}"
    body = "ms_answer.body" if plan.routine.returns.many else "coalesce(ms_answer.body -> 0, 'null')"
    sql = (
        f"WITH {SOURCE.name} AS MATERIALIZED ({called(plan, arguments)}) SELECT {total}, ms_answer.count, {body}, "
        f"{ANSWERED}, NULL, NULL{looked} FROM ({found.sql}) AS ms_answer ({names})"
    )

    def bind(values: Sequence[Any], principal: Principal) -> list[Any]:
        return [*found.arguments(values, principal), *arguments.bind(values, principal)]

    return Compiled(explained(sql, plan.document.explain), bind)


def _write(
    written: Written, arguments: Arguments, types: Mapping[str, str], change: str, insert: NativeInsert | None
) -> Compiled:
    trees = Trees(arguments, types)
    silent = written.document.form is Form.NOTHING
    rows = f"SELECT * FROM {SOURCE.name}" if silent else trees.select(written.root)
    keys = _keys(insert.key) if insert is not None and insert.keys else "NULL"
    merged = insert is not None and (insert.put or insert.resolution is Resolution.MERGE)
    sql = (
        f"WITH {SOURCE.name} AS ({change}) SELECT NULL, count({ROWS}), {body(written.document)}, {ANSWERED}, {keys}, "
        f"{INSERTED if merged else 'NULL'} FROM ({rows}) AS {ROWS}"
    )
    return Compiled(explained(sql, written.document.explain), arguments.bind)


def _keys(key: Sequence[str]) -> str:
    """The key of the one row written, as a JSON object of texts."""
    names = ", ".join(map(literal, key)) or "NULL"
    row = f"SELECT row_to_json(s) AS r FROM {SOURCE.name} AS s LIMIT 1"
    pairs = f"SELECT json_object_agg(e.key, e.value) FROM ({row}) AS d, json_each_text(d.r) AS e WHERE e.key IN ({names})"
    return f"CASE WHEN count({ROWS}) = 1 THEN ({pairs}) END"


def _total(root: Node, count: Count, trees: Trees, page: str) -> tuple[str, str]:
    """A further WITH query and the expression that counts all rows. An estimate needs no more than one row over the cap."""
    if count not in (Count.EXACT, Count.ESTIMATED):
        return "", "NULL"
    if trees.max_rows is None and root.limit is None and root.offset is None:
        return "", page
    bound = f" LIMIT {trees.max_rows + 1}" if count is Count.ESTIMATED and trees.max_rows is not None else ""
    return f", ms_counted AS ({trees.counted(root)}{bound})", "(SELECT count(*) FROM ms_counted)"


def _estimate(root: Node, count: Count, types: Mapping[str, str]) -> Compiled | None:
    if count not in (Count.PLANNED, Count.ESTIMATED):
        return None
    arguments = Arguments()
    return Compiled(explained(Trees(arguments, types).counted(root), Explain(json=True)), arguments.bind)


def explained(sql: str, explain: Explain | None) -> str:
    """The statement, or the question for its execution plan."""
    if explain is None:
        return sql
    options = [f"FORMAT {'JSON' if explain.json else 'TEXT'}", *(_OPTIONS[name] for name in explain.options)]
    return f"EXPLAIN ({', '.join(options)}) {sql}"
