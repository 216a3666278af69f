"""The SELECT of a tree of tables: embeds are lateral subqueries joined to their parent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from mainspring.engines.postgres.names import quote
from mainspring.engines.postgres.native.arguments import Arguments, plain
from mainspring.engines.postgres.native.conditions import column, condition, field, named, order_by, shown, where
from mainspring.errors import DatabaseRefused, shorten
from mainspring.plan.native import nodes
from mainspring.plan.native.nodes import Chosen, Node, OrderBy, Spread, SpreadOutput, Target
from mainspring.query.ast import TableName


@dataclass(slots=True)
class Trees:
    """Writes SELECTs. `max_rows` caps every list; `types` spells the types that casts name."""

    arguments: Arguments
    types: Mapping[str, str]
    max_rows: int | None = None

    def select(self, node: Node) -> str:
        """The rows of a node, with everything embedded in them."""
        table = node.known_as
        outputs = [self._output(chosen, table) for chosen in self._chosen(node)]
        ordering, extra = self._spread_order(node)
        outputs += extra + [each for child in node.children for each in self._joined(child)]
        joins = "".join(self._join(child) for child in node.children)
        conditions = [condition(item, table, self.arguments) for item in node.where] + self._on(node)
        return (
            f"SELECT {', '.join(outputs)} FROM {self._from(node)}{joins}{where(conditions)}{self._group_by(node, table)}"
            f"{order_by(ordering, table, self.arguments)}{self._page(node)}"
        )

    def counted(self, node: Node) -> str:
        """One row for each row of a node without its page; embeds count where they decide."""
        found = [self._counted_condition(item, node) for item in node.where] + self._on(node)
        found += [f"EXISTS ({self.counted(child)})" for child in node.children if child.inner]
        return f"SELECT 1 FROM {self._from(node)}{where(found)}"

    def _counted_condition(self, item: nodes.Condition, node: Node) -> str:
        match item:
            case nodes.Junction(word, items):
                return f"({f' {word} '.join(self._counted_condition(each, node) for each in items)})"
            case nodes.Not(inner):
                return f"NOT ({self._counted_condition(inner, node)})"
            case nodes.Embedded(alias, exists):
                child = next(child for child in node.children if child.join_alias == alias)
                return f"{'' if exists else 'NOT '}EXISTS ({self.counted(child)})"
            case _:
                return condition(item, node.known_as, self.arguments)

    # ------------------------------------------------------------ outputs

    def _chosen(self, node: Node) -> list[Chosen]:
        return node.outputs if node.outputs or node.children else [Chosen(Target("*"))]

    def _output(self, chosen: Chosen, table: TableName) -> str:
        value = self._cast(shown(chosen.target, table, self.arguments), chosen.cast)
        if chosen.aggregate:
            if chosen.target.name == "*" and not chosen.target.whole:
                value = "*" if chosen.aggregate == "count" else value
            value = self._cast(f"{chosen.aggregate}({value})", chosen.aggregate_cast)
        return f"{value} AS {quote(chosen.alias)}" if chosen.alias else value

    def _cast(self, value: str, cast: str | None) -> str:
        if cast is None:
            return value
        spelled = self.types.get(" ".join(cast.lower().split()))
        if spelled is None:
            raise DatabaseRefused("42704", f'type "{shorten(cast)}" does not exist')
        return f"CAST({value} AS {spelled})"

    def _joined(self, child: Node) -> list[str]:
        """What a parent selects of an embed."""
        alias = quote(child.join_alias)
        if child.spread is not None:
            return [self._lifted(child, output) for output in child.spread_outputs]
        if child.empty:
            return []
        if child.single:
            return [f"row_to_json({alias}.*)::jsonb AS {quote(child.key)}"]
        return [f"COALESCE({alias}.{alias}, '[]') AS {quote(child.key)}"]

    def _lifted(self, child: Node, output: SpreadOutput) -> str:
        alias = quote(child.join_alias)
        value = f"{alias}.{'*' if output.name == '*' else quote(output.name)}"
        if output.aggregate:
            value = self._cast(f"{output.aggregate}({value})", output.cast)
        return f"{value} AS {quote(output.alias)}" if output.alias else value

    # ------------------------------------------------------------ joins

    def _from(self, node: Node) -> str:
        relation = node.relation
        if relation is not None and relation.function is not None:
            parent = node.parent.known_as.name if node.parent else relation.source.name
            found = f"{named(relation.function)}({quote(parent)}::{named(relation.source)})"
        else:
            found = named(node.source)
        found += f" AS {quote(node.alias)}" if node.alias else ""
        junction = relation.junction if relation else None
        return f"{found}, {named(junction.table)}" if junction else found

    def _on(self, node: Node) -> list[str]:
        """The join of an embed to its parent."""
        relation, parent = node.relation, node.parent
        if relation is None or parent is None or relation.function is not None:
            return []
        if relation.junction is None:
            return _equal(node.known_as, relation.target_columns, parent.known_as, relation.columns)
        junction = relation.junction
        far = _equal(junction.table, junction.target_columns, node.source, relation.target_columns)
        return far + _equal(junction.table, junction.source_columns, parent.known_as, relation.columns)

    def _join(self, child: Node) -> str:
        alias, rows = quote(child.join_alias), self.select(child)
        kind = "INNER" if child.inner else "LEFT"
        if child.spread is Spread.ONE or (child.spread is None and child.single):
            return f" {kind} JOIN LATERAL ({rows}) AS {alias} ON TRUE"
        outputs = [f"json_agg({alias})::jsonb AS {alias}"]
        if child.spread is Spread.MANY:
            ordering = order_by(self._outer_order(child), TableName("", child.join_alias), self.arguments)
            outputs += [self._gathered(child, output, ordering) for output in child.spread_outputs]
        on = f"{alias} IS NOT NULL" if child.inner else "TRUE"
        return f" {kind} JOIN LATERAL (SELECT {', '.join(outputs)} FROM ({rows}) AS {alias}) AS {alias} ON {on}"

    def _gathered(self, child: Node, output: SpreadOutput, ordering: str) -> str:
        value = f"{quote(child.join_alias)}.{quote(output.name)}"
        return f"COALESCE(json_agg({value}{ordering}), '[]')::jsonb AS {quote(output.alias or output.name)}"

    # ------------------------------------------------------------ orders and pages

    def _spread_order(self, node: Node) -> tuple[list[OrderBy], list[str]]:
        """The order of the rows themselves, and what a to-many spread selects to be ordered by when it is gathered."""
        if node.spread is not Spread.MANY:
            return node.order, []
        table = node.known_as
        extra = []
        for term, outer in zip(node.order, self._outer_order(node), strict=True):
            place = TableName("", term.related) if term.related else table
            extra.append(f"{field(term.target, place, self.arguments)} AS {quote(outer.target.name)}")
        return [], extra

    def _outer_order(self, node: Node) -> list[OrderBy]:
        names = [f"{node.join_alias}_{term.target.name}_{number}" for number, term in enumerate(node.order, 1)]
        return [OrderBy(Target(name), term.descending, term.nulls_first) for name, term in zip(names, node.order, strict=True)]

    def _page(self, node: Node) -> str:
        bound = self.max_rows
        if node.limit is None and node.offset is None and bound is None:
            return ""
        limit = "ALL" if bound is None else str(bound)
        if node.limit is not None:
            asked = f"{self.arguments.slot(node.limit, plain)}::bigint"
            limit = asked if bound is None else f"least({asked}, {bound})"
        offset = f" OFFSET {self.arguments.slot(node.offset, plain)}::bigint" if node.offset is not None else ""
        return f" LIMIT {limit}{offset}"

    # ------------------------------------------------------------ groups

    def _group_by(self, node: Node, table: TableName) -> str:
        lifted = list(chain.from_iterable(child.spread_outputs for child in node.children if child.spread is not None))
        if not any(chosen.aggregate for chosen in node.outputs) and not any(output.aggregate for output in lifted):
            return ""
        terms = [self._grouped(chosen, table) for chosen in node.outputs if not chosen.aggregate]
        for child in node.children:
            if child.spread is None:
                terms.append(quote(child.key))
            else:
                alias = quote(child.join_alias)
                terms += [f"{alias}.{quote(each.alias or each.name)}" for each in child.spread_outputs if not each.aggregate]
        return f" GROUP BY {', '.join(terms)}" if terms else ""

    def _grouped(self, chosen: Chosen, table: TableName) -> str:
        return quote(chosen.alias) if chosen.alias else field(chosen.target, table, self.arguments)


def _equal(table: TableName, columns: tuple[str, ...], other: TableName, theirs: tuple[str, ...]) -> list[str]:
    return [f"{column(table, mine)} = {column(other, their)}" for mine, their in zip(columns, theirs, strict=True)]
