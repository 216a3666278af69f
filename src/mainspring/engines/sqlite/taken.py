"""The rows that an upsert would overwrite: they must be the caller's to see and to change, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainspring.engines.sql.statement import Statement
from mainspring.engines.sqlite.script import Script, failing, made
from mainspring.plan.nodes import Upsert
from mainspring.principal import Principal
from mainspring.query.ast import Resolution
from mainspring.query.expr import Source


class Taken:
    """Looks at the row that holds a key before it is overwritten, and at what became of it."""

    def __init__(self, script: Script, target: Source, upsert: Upsert) -> None:
        self._script, self._upsert = script, upsert
        self._look = self._existing(target)
        self._after = script.unless(target, upsert.updated)

    def _existing(self, target: Source) -> Statement:
        compiler, quote = self._script.compiler(), self._script.dialect.quote
        holds = compiler.condition(self._upsert.existing)
        matches = [f"t{target.alias}.{quote(name)} = ?{compiler.arguments.extra()}" for name in self._upsert.key]
        table = compiler.tables(target)
        return compiler.arguments.statement(f"SELECT ({holds}) IS TRUE FROM {table} WHERE {' AND '.join(matches)}")

    def arguments(self, values: Sequence[Any], principal: Principal) -> tuple[list[Any], list[Any]]:
        """The arguments of the look before and of the look after."""
        return self._look.arguments(values, principal), made(self._after, values, principal)

    def look(self, connection: Any, arguments: list[Any], row: Mapping[str, Any], principal: Principal) -> bool:
        """Whether the row's key is taken. Raises RowCheckViolated when the caller may not overwrite what takes it."""
        if self._upsert.resolution is Resolution.IGNORE:
            return False
        key = [row.get(name) for name in self._upsert.key]
        found = connection.execute(self._look.sql, [*arguments, *key]).fetchone()
        if found is not None and not found[0]:
            raise self._script.denied(principal, existing=True)
        return found is not None

    def spoilt(self, connection: Any, arguments: list[Any], ids: list[int]) -> bool:
        """Whether an overwritten row became one that the caller may not write."""
        return failing(connection, self._after, arguments, ids)
