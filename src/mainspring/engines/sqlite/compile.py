"""What SQLite compiles in its own way: groups, whose documents are made over a subquery, and where counting begins."""

from __future__ import annotations

from dataclasses import dataclass

from mainspring.engines.sql.compile import Compiler
from mainspring.engines.sql.groups import NAME, Groups, embedded, grouped
from mainspring.engines.sqlite.driven import driven, names_its_row
from mainspring.plan.nodes import ReadPlan, Rows
from mainspring.query import expr


@dataclass(slots=True)
class SqliteCompiler(Compiler):
    """The shared compiler with groups. `counting`: all rows are looked through, whatever is asked of them."""

    counting: bool = False

    def counted(self, rows: Rows) -> str:
        self.counting = not names_its_row(rows)
        compiled = Compiler.counted(self, rows)
        self.counting = False
        return compiled

    def condition(self, node: expr.Condition) -> str:
        if self.counting and not self.negated and isinstance(node, expr.Exists):
            found = driven(node)
            if found is not None:
                outer, inner = self.operand(found.outer), self.operand(found.inner)
                return f"{outer} IN (SELECT {inner} FROM {self.tables(node.source)} WHERE {self.condition(found.rest)})"
        return Compiler.condition(self, node)

    def _embedded_groups(self, rows: Rows, single: bool) -> str:
        found = embedded(self, rows)
        document = self.dialect.json_object(found.pairs)
        page = f"(SELECT * FROM ({found.inner}) AS {NAME}{found.page}{found.order}{self.page(rows)}) AS {NAME}"
        if single:
            return f"(SELECT {document} FROM {page} LIMIT 1)"
        return f"(SELECT {self.dialect.json_array(document)} FROM {page})"


def grouped_read(plan: ReadPlan, compiler: SqliteCompiler) -> str:
    """`SELECT body, count[, total][, rows looked at][, cursor]` of groups. They are made once, whatever is asked of them."""
    found: Groups = grouped(compiler, plan.rows, plan.max_grouped)
    dialect = compiler.dialect
    columns = f"CAST({dialect.json_array(dialect.json_object(found.pairs))} AS BLOB), count(*)"
    if plan.count:
        columns += f", (SELECT count(*) FROM {NAME}{found.where})"
    if plan.max_grouped is not None:
        columns += f", (SELECT sum(n) FROM {NAME})"
    if plan.cursor:
        columns += f", json_group_array(json({found.place})) -> '$[#-1]'"
    page = f"(SELECT * FROM {NAME}{found.page}{found.order}{compiler.page(plan.rows)}) AS {NAME}"
    return f"WITH {NAME} AS MATERIALIZED ({found.inner}) SELECT {columns} FROM {page}"
