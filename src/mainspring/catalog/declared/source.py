"""Where things were said: the classes behind tables, the targets of foreign keys, the mistakes so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import UnmappedColumnError

from mainspring.catalog.system import SystemBase
from mainspring.errors import Mistake
from mainspring.query.ast import TableName

DEFAULT_SCHEMA = "public"


class Unfit(Exception):
    """A piece of a model that cannot be served: the problem and, where known, how to mend it."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


def table_name(table: Table) -> TableName:
    """The catalog's name of a SQLAlchemy table (no schema: public)."""
    return TableName(str(table.schema or DEFAULT_SCHEMA), str(table.name))


@dataclass(slots=True)
class Source:
    """The models under reading."""

    mappers: dict[Table, Mapper[Any]] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    @classmethod
    def of(cls, given: Iterable[Any]) -> Source:
        """The models behind bases, metadata and model classes (a metadata alone has no classes to name)."""
        registries = [item.registry for item in (*given, SystemBase) if hasattr(item, "registry")]
        mappers = {
            mapper.local_table: mapper
            for registry in registries
            for mapper in sorted(registry.mappers, key=lambda mapper: mapper.inherits is not None, reverse=True)
            if isinstance(mapper.local_table, Table)
        }
        return cls(mappers)

    def where(self, table: Table, column: Column[Any] | None = None) -> str:
        """How messages name a table or one of its columns: by class and attribute where there is a class."""
        mapper = self.mappers.get(table)
        head = mapper.class_.__name__ if mapper else str(table.fullname)
        return head if column is None else f"{head}.{self._attribute(mapper, column)}"

    def _attribute(self, mapper: Mapper[Any] | None, column: Column[Any]) -> str:
        try:
            return str(mapper.get_property_by_column(column).key) if mapper else str(column.name)
        except UnmappedColumnError:
            return str(column.name)

    def mistake(self, where: str, unfit: Unfit) -> None:
        """Note a mistake and go on."""
        self.mistakes.append(Mistake(where, unfit.problem, unfit.hint))

    def target(self, key: ForeignKey) -> Column[Any] | None:
        """The column a foreign key refers to, or None (with a mistake noted) when there is none."""
        try:
            return key.column
        except SQLAlchemyError:
            pass
        table, _, column = key.target_fullname.rpartition(".")
        own = SystemBase.metadata.tables.get(table)
        if own is not None and column in own.columns:
            return own.columns[column]
        parent = key.parent
        problem = f"the foreign key refers to {key.target_fullname}, which does not exist"
        self.mistake(self.where(parent.table, parent), Unfit(problem, "name a table and column of the models"))
        return None
