"""From plan to SQL: conditions, rows and documents, for every SQL dialect.

Correlated subqueries do the embedding and work on every SQL database. Identifiers come from the catalog, values are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mainspring.datatypes import DataType
from mainspring.engines.sql.dialect import Dialect, Step
from mainspring.engines.sql.statement import Arguments
from mainspring.plan.nodes import OrderBy, OutAggregate, OutColumn, OutEmbed, OutGather, Output, OutSpread, Rows
from mainspring.query import ast, expr
from mainspring.query.ops import Form


@dataclass(slots=True)
class Compiler:
    """Compiles the parts of one statement. `max_rows` caps every list in it.

    `stand_ins` names what stands in FROM instead of the table of an alias (the rows just written, say);
    `prefixes` by what name columns are addressed where an alias cannot be used (RETURNING).
    `keys` are the columns that hold what groups are ordered by, where a condition is about whole groups.
    `negated`: a condition must be unknown, and not only not true, where it is.
    """

    dialect: Dialect
    arguments: Arguments
    max_rows: int | None = None
    stand_ins: dict[int, str] = field(default_factory=dict)
    prefixes: dict[int, str] = field(default_factory=dict)
    keys: dict[expr.Key | expr.Aggregate, str] = field(default_factory=dict)
    negated: bool = False

    # ------------------------------------------------------------ operands and conditions

    def ref(self, ref: expr.Ref) -> str:
        """A column (of a computed one what it stands for), or a place in its JSON."""
        prefix = self.prefixes.get(ref.alias) or f"t{ref.alias}"
        stored = f"{prefix}.{self.dialect.quote(ref.column.name)}"
        if ref.column.type.native is not None:
            stored = self.dialect.adopted(stored, ref.column.type)
        column = stored if ref.formula is None else self.operand(ref.formula)
        if not ref.path:
            return column
        steps = tuple(self._constant(param) for param in ref.path)
        return self.dialect.path(column, steps, ref.as_text, self.arguments)

    def _constant(self, param: expr.Param) -> Step:
        source = self.arguments.specs[param.index].source
        if not isinstance(source, ast.Const):
            raise AssertionError("a JSON path is made of constants")
        return Step(param.index, source.value)

    def param(self, param: expr.Param, operator: str | None = None) -> str:
        """An argument."""
        spec = self.arguments.specs[param.index]
        encode = self.dialect.encoder(spec.type, spec.form, operator)
        return self.dialect.placeholder(self.arguments.add(param.index, encode), spec.type, spec.form)

    def operand(self, operand: expr.Operand, operator: str | None = None) -> str:
        """A column, an argument, a formula, a value looked up in a related row, or an aggregate."""
        match operand:
            case expr.Key() | expr.Aggregate() if operand in self.keys:
                return self.keys[operand]
            case expr.Ref():
                return self.ref(operand)
            case expr.Param():
                return self.param(operand, operator)
            case expr.Apply(_, arguments):
                return self.dialect.apply(operand, [self.operand(argument) for argument in arguments])
            case expr.Case(when, then, otherwise, type_):
                found = f"CASE WHEN {self.condition(when)} THEN {self.operand(then)} ELSE {self.operand(otherwise)} END"
                return self.dialect.canonical(f"({found})", type_)
            case expr.Holds(condition):
                return f"({self._negation(condition)})"
            case expr.Lookup(source, where, ref, first):
                return self._one(self.operand(ref), source, where, first)
            case expr.Aggregate():
                return self.aggregate(operand)[0]
            case expr.Key():
                raise AssertionError("a key is a column of groups")
            case expr.Position(ref, values):
                encode = self.dialect.encoder(values.type, Form.LIST, "in")
                return self.dialect.position(self.ref(ref), self.arguments.add(values.index, encode), values.type)

    def aggregate(self, node: expr.Aggregate) -> tuple[str, DataType]:
        """An aggregate, and the type by which its bare value is shown."""
        if node.of is None:
            return "count(*)", node.type
        value, type_ = self.operand(node.of), node.of.type
        if node.input is not None:
            value, type_ = self.dialect.convert(value, type_, node.input)
        return self.dialect.aggregate(node.function, value, type_)

    def condition(self, node: expr.Condition) -> str:
        """A condition, parenthesised where it must be."""
        match node:
            case expr.And(items):
                return self._joined(items, " AND ", "1=1")
            case expr.Or(items):
                return self._joined(items, " OR ", "1=0")
            case expr.Not(item):
                return f"NOT ({self._negation(item)})"
            case expr.Truth(operand):
                return self.dialect.truth(self.operand(operand))
            case expr.Is(operand, what):
                return self.dialect.test(self.operand(operand), what)
            case expr.Compare(op, left, right, ast.Quantifier() as quantifier):
                return self.dialect.quantified(op, self.operand(left), self.operand(right, op.name), left.type, quantifier)
            case expr.Compare(op, left, right):
                type_ = right.type if right.type.wide else left.type
                return self.dialect.compare(op, self.operand(left), self.operand(right, op.name), type_)
            case expr.Search():
                return self._search(node)
            case expr.Exists(source, where):
                return f"EXISTS (SELECT 1 FROM {self.tables(source)} WHERE {self.reached(source, where)})"

    def _search(self, node: expr.Search) -> str:
        exact = self.dialect.search(node, self.operand(node.left), self.param(node.right), self.arguments)
        left = node.left
        if self.negated or not isinstance(left, expr.Ref) or left.alias in self.prefixes or left.alias in self.stand_ins:
            return exact
        candidates = self.dialect.candidates(node, f"t{left.alias}", self.arguments)
        return exact if candidates is None else f"({candidates} AND {exact})"

    def _negation(self, item: expr.Condition) -> str:
        """Within a negation false is not as good as unknown."""
        outside, self.negated = self.negated, True
        compiled = self.condition(item)
        self.negated = outside
        return compiled

    def _joined(self, items: Sequence[expr.Condition], word: str, empty: str) -> str:
        if not items:
            return empty
        compiled = [self.condition(item) for item in items]
        return compiled[0] if len(compiled) == 1 else f"({word.join(compiled)})"

    # ------------------------------------------------------------ rows

    def tables(self, source: expr.Source) -> str:
        """The FROM list: the table and what is joined to it."""
        return ", ".join(
            f"{self.stand_ins.get(each.alias) or self.dialect.table(each.table.name)} AS t{each.alias}"
            for each in (source, *source.joined)
        )

    def reached(self, source: expr.Source, where: expr.Condition) -> str:
        """The condition of a table in a plan: every guard first, then what was asked."""
        guards = [each.guard for each in (source, *source.joined)]
        return self.condition(expr.both(*guards, where))

    def order_by(self, terms: Iterable[OrderBy]) -> str:
        """The ORDER BY clause (empty without terms)."""
        compiled = [
            self.dialect.order(self.operand(key), key.type, term.descending, term.nulls_first, nullable=_nullable(key))
            for term in terms
            if isinstance(key := term.key, expr.Ref | expr.Lookup | expr.Position)
        ]
        return f" ORDER BY {', '.join(compiled)}" if compiled else ""

    def place(self, rows: Rows) -> str:
        """What a cursor tells of a row: the order's values as they stand in documents."""
        keys = [term.key for term in rows.order if isinstance(term.key, expr.Ref | expr.Lookup)]
        return self.dialect.json_list([self.dialect.cursor_value(self.operand(key), key.type) for key in keys])

    def page(self, rows: Rows) -> str:
        """LIMIT and OFFSET (empty when there is no page)."""
        bound = self.max_rows if self.max_rows is not None else NO_LIMIT
        limit = self.dialect.least(self.param(rows.limit), bound) if rows.limit else str(bound)
        offset = f" OFFSET {self.param(rows.offset)}" if rows.offset else ""
        paged = rows.limit or rows.offset or self.max_rows is not None
        return f" LIMIT {limit}{offset}" if paged else ""

    def picked(self, rows: Rows, columns: str) -> str:
        """A SELECT of `columns` over the rows, in order, one page."""
        return (
            f"SELECT {columns} FROM {self.tables(rows.source)} WHERE {self.reached(rows.source, rows.where)}"
            f"{self.order_by(rows.order)}{self.page(rows)}"
        )

    def counted(self, rows: Rows) -> str:
        """How many rows there are without the page."""
        return f"SELECT count(*) FROM {self.tables(rows.source)} WHERE {self.reached(rows.source, rows.where)}"

    def listed(self, rows: Rows, columns: str, extra: str = "") -> str:
        """SELECT `columns` (aggregates over the rows, known as t<alias>) FROM the page of rows (each with a column `extra`)."""
        where = self.reached(rows.source, expr.both(rows.where, rows.after))
        if not (rows.order or self.page(rows)):
            return f"SELECT {columns} FROM {self.tables(rows.source)} WHERE {where}"
        alias = rows.source.alias
        needed = ", ".join(f"t{alias}.{self.dialect.quote(name)}" for name in needed_columns(rows)) or "1"
        needed += f", {extra}" if extra else ""
        inner = f"SELECT {needed} FROM {self.tables(rows.source)} WHERE {where}{self.order_by(rows.order)}{self.page(rows)}"
        return f"SELECT {columns} FROM ({inner}) AS t{alias}"

    # ------------------------------------------------------------ documents

    def document(self, outputs: Sequence[Output]) -> str:
        """The JSON object of one row."""
        return self.dialect.json_object([(output.key, self.output(output)) for output in outputs])

    def output(self, output: Output) -> str:
        """The value of one member of a document."""
        match output:
            case OutEmbed(_, rows, single):
                return self._embedded(rows, single)
            case OutGather(_, rows):
                return self._gathered(rows)
            case OutSpread(_, source, where, lifted, first):
                return self._one(self.output(lifted), source, where, first)
            case OutColumn(_, ref, cast):
                value, type_ = self.operand(ref), ref.type
                if cast is not None:
                    value, type_ = self.dialect.convert(value, type_, cast)
                return self.dialect.document_value(value, type_)
            case OutAggregate():
                raise AssertionError("an aggregate stands in a group")

    def _gathered(self, rows: Rows) -> str:
        return f"({self.listed(rows, self.dialect.json_array(self.output(rows.outputs[0])))})"

    def _embedded(self, rows: Rows, single: bool) -> str:
        if rows.group is not None:
            return self._embedded_groups(rows, single)
        if not single:
            return f"({self.listed(rows, self.dialect.json_array(self.document(rows.outputs)))})"
        return self._one(self.document(rows.outputs), rows.source, rows.where, rows.first)

    def _one(self, value: str, source: expr.Source, where: expr.Condition, first: Sequence[expr.Ref]) -> str:
        """`value` of the one row for which `where` holds, or of the first by `first`."""
        found = f"{self.tables(source)} WHERE {self.reached(source, where)}"
        if not first:
            return f"(SELECT {value} FROM {found} LIMIT 1)"
        # The row is found before its document is made: what SQLite has sorted is no JSON any more, but a text.
        order = self.order_by(OrderBy(ref, descending=False, nulls_first=False) for ref in first)
        alias = f"t{source.alias}"
        return f"(SELECT {value} FROM (SELECT {alias}.* FROM {found}{order} LIMIT 1) AS {alias})"

    def _embedded_groups(self, rows: Rows, single: bool) -> str:
        raise NotImplementedError


def _nullable(key: expr.Ref | expr.Lookup | expr.Position) -> bool:
    """Whether a value may be null. A looked-up one may, whatever its column says: the row may not be there."""
    if isinstance(key, expr.Position):
        return False
    return isinstance(key, expr.Lookup) or bool(key.path) or key.column.nullable


NO_LIMIT = 2**63 - 1


def is_local(node: expr.Condition | expr.Operand) -> bool:
    """Whether a condition (or an operand of it) looks at nothing but its own row."""
    match node:
        case expr.And(items) | expr.Or(items):
            return all(map(is_local, items))
        case expr.Not(item):
            return is_local(item)
        case expr.Exists():
            return False
        case expr.Compare(_, left, right) | expr.Search(left=left, right=right):
            return is_local(left) and is_local(right)
        case expr.Is(operand) | expr.Truth(operand):
            return is_local(operand)
        case expr.Apply(_, arguments):
            return all(map(is_local, arguments))
        case expr.Case(when, then, otherwise):
            return is_local(when) and is_local(then) and is_local(otherwise)
        case expr.Holds(condition):
            return is_local(condition)
        case _:
            return True


def needed_columns(rows: Rows) -> list[str]:
    """The columns of the rows' own table that their outputs (and embeds below) read."""
    found: dict[str, None] = {}
    having = () if rows.group is None else (rows.group.having, rows.order)
    for ref in references((rows.outputs, having)):
        if ref.alias == rows.source.alias:
            found[ref.column.name] = None
    return list(found)


def references(node: object) -> Iterable[expr.Ref]:
    """Every reference to a stored column below a plan node."""
    if isinstance(node, expr.Ref):
        yield from (node,) if node.formula is None else references(node.formula)
    elif isinstance(node, tuple):
        for item in node:
            yield from references(item)
    else:
        match node:
            case OutColumn(_, ref):
                yield from references(ref)
            case OutAggregate(_, aggregate):
                yield from references(aggregate)
            case expr.Aggregate(_, of):
                yield from references(of)
            case expr.Position(ref):
                yield from references(ref)
            case OutGather(_, rows):
                yield from references(OutEmbed("", rows, False))
            case OutSpread(_, source, where, output, first):
                yield from references((source, where, output, first))
            case OutEmbed(_, rows):
                having = () if rows.group is None else (rows.group.having,)
                yield from references((rows.source, rows.outputs, rows.where, rows.order, *having))
            case OrderBy(key):
                yield from references(key)
            case expr.Source(guard=guard, joined=joined):
                yield from references((guard, joined))
            case expr.Exists(source, where):
                yield from references((source, where))
            case expr.Lookup(source, where, ref, first):
                yield from references((source, where, ref, first))
            case expr.Apply(_, arguments):
                yield from references(arguments)
            case expr.Case(when, then, otherwise):
                yield from references((when, then, otherwise))
            case expr.Holds(condition):
                yield from references(condition)
            case expr.Compare(_, left, right) | expr.Search(left=left, right=right):
                yield from references((left, right))
            case expr.Is(operand) | expr.Truth(operand):
                yield from references(operand)
            case expr.And(items) | expr.Or(items):
                yield from references(items)
            case expr.Not(item):
                yield from references(item)
            case _:
                return
