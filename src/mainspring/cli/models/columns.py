"""Columns as `mapped_column(...)`: types, keys, defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mainspring.catalog.declared.names import object_name
from mainspring.catalog.model import Column, ForeignKey, Table
from mainspring.cli.models.text import Call, literal, sql
from mainspring.datatypes import DataType, Kind
from mainspring.query.ast import Now, TableName

DEFAULT_SCHEMA = "public"

_TYPES = {
    Kind.FLOAT: ("sa.Double()", "float"),
    Kind.BOOLEAN: ("sa.Boolean()", "bool"),
    Kind.DATE: ("sa.Date()", "date"),
    Kind.TIME: ("sa.Time()", "time"),
    Kind.TIMESTAMP: ("sa.DateTime()", "datetime"),
    Kind.TIMESTAMPTZ: ("sa.DateTime(timezone=True)", "datetime"),
    Kind.INTERVAL: ("sa.Interval()", "timedelta"),
    Kind.UUID: ("sa.Uuid()", "UUID"),
    Kind.JSON: ("sa.JSON()", "Any"),
    Kind.BYTES: ("sa.LargeBinary()", "bytes"),
    Kind.NATIVE: ("sa.Text()", "Any"),
}
_INTEGERS = {16: "sa.SmallInteger()", 32: "sa.Integer()", 64: "sa.BigInteger()"}


@dataclass(frozen=True, slots=True)
class Enums:
    """The names of the module's enums: of the type for annotations, by the database's name and values."""

    names: Mapping[tuple[str | None, tuple[str, ...]], str]

    def name(self, type_: DataType) -> str:
        """The name by which the module knows an enum."""
        return self.names[type_.name, type_.values]


def types(type_: DataType, enums: Enums, collation: str | None = None) -> tuple[str | Call, str]:
    """SQLAlchemy's and Python's type; of texts with their collation."""
    match type_.kind:
        case Kind.TEXT:
            said = [] if type_.length is None else [str(type_.length)]
            said += [] if collation is None else [f"collation={literal(collation)}"]
            return f"{'sa.Text' if type_.length is None else 'sa.String'}({', '.join(said)})", "str"
        case Kind.INTEGER:
            return _INTEGERS[type_.bits], "int"
        case Kind.NUMERIC:
            sized = "" if type_.precision is None else f"{type_.precision}, {type_.scale or 0}"
            return f"sa.Numeric({sized})", "Decimal"
        case Kind.ENUM:
            return Call("sa.Enum(", [*map(literal, type_.values), f"name={literal(type_.name or '')}"]), enums.name(type_)
        case Kind.ARRAY if type_.item is not None:
            item, python = types(type_.item, enums, collation)
            return Call("sa.ARRAY(", [item]), f"list[{python}]"
        case Kind.RANGE:
            return f"postgresql.{str(type_).upper()}()", "Any"
        case kind:
            return _TYPES[kind]


def arguments(table: Table, column: Column, own: str | None, enums: Enums) -> list[str | Call]:
    """The arguments of a column; `own` is its attribute, where it is one (else the name is always said)."""
    found: list[str | Call] = [] if own == column.name else [literal(column.name)]
    found.append(types(column.type, enums, column.collation)[0])
    found += [_foreign_key(table, key) for key in table.foreign_keys if key.columns == (column.name,)]
    found += _counting(table, column)
    if column.generated is not None and not column.autoincrement:
        found.append(f"sa.Computed({literal(column.generated)})")
    if column.name in table.primary_key:
        found.append("primary_key=True")
        found += _autoincrement(table, column)
    elif own is None or types(column.type, enums)[1] == "Any":
        found.append(f"nullable={column.nullable}")
    if any(unique.columns == (column.name,) and unique.name == _usual(table, unique.columns, "key") for unique in table.uniques):
        found.append("unique=True")
    return [*found, *_told(column)]


def _told(column: Column) -> Iterator[str]:
    if isinstance(column.server_default, Now):
        yield "server_default=sa.func.now()"
    elif column.server_default is not None:
        yield f"server_default={sql(column.server_default)}"
    if column.comment:
        yield f"comment={literal(column.comment)}"
    if column.type.kind is Kind.NATIVE:
        base = "" if column.type.base is None else f', "base": {literal(column.type.base)}'
        yield f'info={{"native": {literal(column.type.name or "")}, "opaque": True{base}}}'
    elif column.type.native is not None:
        yield f'info={{"native": {literal(column.type.native)}}}'


def _counting(table: Table, column: Column) -> Iterator[str]:
    """An identity, where being the only column of the key does not say it already."""
    if column.autoincrement and (column.generated is not None or table.primary_key != (column.name,)):
        yield "sa.Identity(always=True)" if column.generated is not None else "sa.Identity()"


def _autoincrement(table: Table, column: Column) -> Iterator[str]:
    if table.primary_key != (column.name,) or column.type.kind is not Kind.INTEGER or column.generated is not None:
        return
    referring = any(key.columns == (column.name,) for key in table.foreign_keys)
    if column.autoincrement and referring:
        yield "autoincrement=True"
    elif not column.autoincrement and not referring:
        yield "autoincrement=False"


# ---------------------------------------------------------------- keys


def target(name: TableName, column: str) -> str:
    """A column of another table, as foreign keys name it."""
    schema = "" if name.schema == DEFAULT_SCHEMA else f"{name.schema}."
    return literal(f"{schema}{name.name}.{column}")


def actions(table: Table, key: ForeignKey) -> list[str]:
    """What a foreign key says beside its columns."""
    found = [] if key.name == _usual(table, key.columns, "fkey") else [f"name={literal(key.name)}"]
    found += [f"ondelete={literal(key.ondelete)}"] if key.ondelete else []
    return found + ([f"onupdate={literal(key.onupdate)}"] if key.onupdate else [])


def _foreign_key(table: Table, key: ForeignKey) -> Call:
    return Call("sa.ForeignKey(", [target(key.target, key.target_columns[0]), *actions(table, key)])


def _usual(table: Table, columns: tuple[str, ...], label: str) -> str:
    return object_name(table.name.name, "_".join(columns), label)


def usual_unique(table: Table, columns: tuple[str, ...]) -> str:
    """The name that a unique key has where none is given."""
    return _usual(table, columns, "key")
