"""What PostgreSQL compiles in its own way: documents are named rows of a subquery, which is faster than building objects."""

from __future__ import annotations

from mainspring.engines.sql.compile import Compiler
from mainspring.engines.sql.groups import NAME, Groups, embedded, grouped
from mainspring.plan.nodes import Feature, ReadPlan, Rows
from mainspring.query.expr import both

ROW = "r.*"  # the whole row of the subquery, whatever its columns are called
DIGITS = 9  # after the point of a coordinate, as PostGIS has it where nobody says


class PostgresCompiler(Compiler):
    """The shared compiler with documents made by json_agg and row_to_json."""

    __slots__ = ()

    def whole(self, rows: Rows, document: str | None = None) -> str:
        """The answer over `body`: the array of its rows (or of their `document`), or the collection of their features."""
        if rows.feature is None:
            return self.dialect.json_array(document or ROW)
        features = self.dialect.json_array(document or self._feature(rows, rows.feature))
        return f"json_build_object('type', 'FeatureCollection', 'features', {features})"

    def _feature(self, rows: Rows, feature: Feature) -> str:
        """Made of the named columns, and not by PostGIS's own function for records: that one writes no null geometry."""
        columns = {output.key: f"r.{self.dialect.quote(output.key)}" for output in rows.outputs}
        geometry = f"{feature.schema}ST_AsGeoJSON({columns.pop(feature.key)}, {DIGITS}, 0)::json"
        properties = f"(SELECT row_to_json(p.*) FROM (SELECT {', '.join(columns.values())}) AS p)"
        return f"json_build_object('type', 'Feature', 'geometry', {geometry}, 'properties', {properties})"

    def body(self, rows: Rows, among: str = "") -> str:
        """The FROM of an answer: the page of rows, known as `r`, each with its outputs."""
        return f"FROM (SELECT {self.document(rows.outputs)} FROM {self._page_of(rows, among)}) AS r"

    def placed(self, rows: Rows) -> str:
        """The same with whole documents as `d` and what a cursor tells of each row as `c`."""
        document = self._placed(rows, self.document(rows.outputs))
        return f"FROM (SELECT {document} AS d, {self.place(rows)} AS c FROM {self._page_of(rows)}) AS r"

    def _placed(self, rows: Rows, outputs: str) -> str:
        told = f"row_to_json({ROW})" if rows.feature is None else self._feature(rows, rows.feature)
        return f"(SELECT {told} FROM (SELECT {outputs}) AS r)"

    def _page_of(self, rows: Rows, among: str = "") -> str:
        extra = f" AND {among}" if among else ""
        reached = self.reached(rows.source, both(rows.where, rows.after))
        return f"{self.tables(rows.source)} WHERE {reached}{extra}{self.order_by(rows.order)}{self.page(rows)}"

    def groups_body(self, rows: Rows, found: Groups, groups: str) -> str:
        """The FROM of an answer: the page of `groups`, known as `r`, each with its outputs."""
        outputs = self.dialect.json_object(found.pairs)
        return f"FROM (SELECT {outputs} FROM {groups}{found.page}{found.order}{self.page(rows)}) AS r"

    def groups_placed(self, rows: Rows, found: Groups, groups: str) -> str:
        """The same with whole documents as `d` and what a cursor tells of each group as `c`."""
        document = self._placed(rows, self.dialect.json_object(found.pairs))
        page = f"{groups}{found.page}{found.order}{self.page(rows)}"
        return f"FROM (SELECT {document} AS d, {found.place} AS c FROM {page}) AS r"

    def _embedded(self, rows: Rows, single: bool) -> str:
        if rows.group is not None:
            return self._embedded_groups(rows, single)
        if not single:
            return f"(SELECT {self.dialect.json_array(ROW)} {self.body(rows)})"
        one = self._one(self.document(rows.outputs), rows.source, rows.where, rows.first)
        return f"(SELECT row_to_json({ROW}) FROM {one} AS r)"

    def _gathered(self, rows: Rows) -> str:
        value = f"r.{self.dialect.quote(rows.outputs[0].key)}"
        return f"(SELECT {self.dialect.json_array(value)} {self.body(rows)})"

    def _embedded_groups(self, rows: Rows, single: bool) -> str:
        found = embedded(self, rows)
        body = self.groups_body(rows, found, f"({found.inner}) AS {NAME}")
        return f"(SELECT row_to_json({ROW}) {body} LIMIT 1)" if single else f"(SELECT {self.dialect.json_array(ROW)} {body})"


def grouped_read(plan: ReadPlan, compiler: PostgresCompiler) -> str:
    """`SELECT body, count[, total][, rows looked at][, cursor]` of groups. They are made once, whatever is asked of them."""
    found = grouped(compiler, plan.rows, plan.max_grouped)
    columns = f"{compiler.whole(plan.rows, 'r.d' if plan.cursor else None)}, count(*)"
    if plan.count:
        columns += f", (SELECT count(*) FROM {NAME}{found.where})"
    if plan.max_grouped is not None:
        columns += f", (SELECT sum(n) FROM {NAME})"
    body = (compiler.groups_placed if plan.cursor else compiler.groups_body)(plan.rows, found, NAME)
    if plan.cursor:
        columns += ", json_agg(r.c) -> -1"
    return f"WITH {NAME} AS MATERIALIZED ({found.inner}) SELECT {columns} {body}"
