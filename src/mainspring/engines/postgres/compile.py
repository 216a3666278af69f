"""What PostgreSQL compiles in its own way: documents are named rows of a subquery, which is faster than building objects."""

from __future__ import annotations

from mainspring.engines.sql.compile import Compiler
from mainspring.plan.nodes import Rows

ROW = "r.*"  # the whole row of the subquery, whatever its columns are called


class PostgresCompiler(Compiler):
    """The shared compiler with documents made by json_agg and row_to_json."""

    __slots__ = ()

    def body(self, rows: Rows, among: str = "") -> str:
        """The FROM of an answer: the page of rows, known as `r`, each with its outputs."""
        extra = f" AND {among}" if among else ""
        return (
            f"FROM (SELECT {self.document(rows.outputs)} FROM {self.tables(rows.source)}"
            f" WHERE {self.reached(rows.source, rows.where)}{extra}{self.order_by(rows.order)}{self.page(rows)}) AS r"
        )

    def _embedded(self, rows: Rows, single: bool) -> str:
        if not single:
            return f"(SELECT {self.dialect.json_array(ROW)} {self.body(rows)})"
        where = self.reached(rows.source, rows.where)
        one = f"SELECT {self.document(rows.outputs)} FROM {self.tables(rows.source)} WHERE {where} LIMIT 1"
        return f"(SELECT row_to_json({ROW}) FROM ({one}) AS r)"
