"""The whole module: imports, enums, one class for each table, and an app that lets nobody in yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mainspring.catalog.model import Catalog, Column, Exclusion, ForeignKey, Index, SqlIndex, Table, Unique
from mainspring.catalog.pieces import quoted
from mainspring.cli.models.columns import DEFAULT_SCHEMA, Enums, actions, arguments, target, types, usual_unique
from mainspring.cli.models.names import Taken, attribute, class_name
from mainspring.cli.models.text import INDENT, Call, comment, docstring, lines, literal, sql
from mainspring.datatypes import Kind
from mainspring.query.ast import TableName

_OWNERS = frozenset(
    ("owner", "owner_id", "owner_uid", "user", "user_id", "user_uid", "author", "author_id", "created_by", "uid", "profile_id")
)
_HEAD = '''"""The models of an existing database, and who may do what with it: nobody anything, until a policy says so.

    mainspring serve {file} --database {place}

serves it. Tables for the people who sign in are added there unless it is told --auth-enabled=false, and nothing else is
altered. To let everybody read a table, write below:

    @app.policy({model}, "select", to=["anon", "authenticated"])
    def everybody(row: Any, me: Any) -> Any:
        return True
{owned}"""

from __future__ import annotations
'''
_OWNED = """
and to give the signed-in their own rows:

    @app.policy({model}, "select", "insert", "update", "delete", to="authenticated")
    def own(row: Any, me: Any) -> Any:
        return row.{attribute} == me.uid
"""


def module(catalog: Catalog, file: str, place: str, left_out: Sequence[str] = (), unsaid: Sequence[str] = ()) -> str:
    """The text of a module `file` with models of every table in `catalog`; `place` is where the database is.

    `left_out` is what is not served of it, `unsaid` what models do not say; both are told in comments.
    """
    tables = list(catalog.tables.values())
    classes = _class_names(tables)
    enums = _enums(tables, classes)
    body = [_block(table, classes[table.name], enums) for table in tables]
    aliases = [Call(f"{name} = Literal[", _all(values), "]") for (_, values), name in enums.names.items()]
    literals = [line for alias in aliases for line in lines(alias)]
    notes = [line for each in left_out for line in comment(f"Left out: {each}")]
    notes += [line for each in unsaid for line in comment(f"Not said here: {each}")]
    head = [_head(tables, classes, file, place) + _imports("\n".join([*literals, *body])), "\n".join(notes), "\n".join(literals)]
    parts = [
        "\n\n".join(part for part in head if part),
        'class Base(DeclarativeBase):\n    """The base of the models."""',
        *body,
        "app = Mainspring(models=Base)",
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts if part.strip("\n")) + "\n"


def _all(values: Sequence[str]) -> list[str]:
    return [literal(value) for value in values]


def _class_names(tables: Sequence[Table]) -> Mapping[TableName, str]:
    taken = Taken()
    return {table.name: taken.give(_name(table, _qualified(table.name, tables))) for table in tables}


def _name(table: Table, name: str) -> str:
    """A class, or the variable of a table without a key."""
    return class_name(name) if table.primary_key else attribute(name)


def _qualified(name: TableName, tables: Sequence[Table]) -> str:
    """The table's name, with its schema where another schema has one of that name."""
    alone = sum(table.name.name == name.name for table in tables) == 1
    return name.name if alone or name.schema == DEFAULT_SCHEMA else f"{name.schema}_{name.name}"


def _enums(tables: Sequence[Table], classes: Mapping[TableName, str]) -> Enums:
    taken = Taken()
    for name in classes.values():
        taken.give(name)
    found: dict[tuple[str | None, tuple[str, ...]], str] = {}
    for column in (column for table in tables for column in table.columns.values()):
        type_ = column.type.item or column.type
        if type_.kind is Kind.ENUM and (type_.name, type_.values) not in found:
            found[type_.name, type_.values] = taken.give(class_name(type_.name or "enum"))
    return Enums(found)


# ---------------------------------------------------------------- the head


def _head(tables: Sequence[Table], classes: Mapping[TableName, str], file: str, place: str) -> str:
    owners = ((table, column) for table in tables for column in table.columns.values() if _is_owner(column) and not table.view)
    table, column = next(owners, (None, None))
    owned = ""
    if table is not None and column is not None:
        owned = _OWNED.format(model=classes[table.name], attribute=_attributes(table)[column.name])
    model = next(iter(classes.values()), "Model")
    return _HEAD.format(file=file, place=place.replace("\\", "\\\\").replace('"', "'"), model=model, owned=owned)


def _is_owner(column: Column) -> bool:
    return attribute(column.name) in _OWNERS and column.type.kind in (Kind.UUID, Kind.TEXT)


def _imports(text: str) -> str:
    """Only what is used: a linter would say so of the rest."""
    annotations = set(re.findall(r"\w+", " ".join(re.findall(r"Mapped\[(.*?)\] = ", text))))
    used = [name for name in ("date", "datetime", "time", "timedelta") if name in annotations]
    found = [f"from datetime import {', '.join(used)}"] if used else []
    found += ["from decimal import Decimal"] if "Decimal" in annotations else []
    typing = [name for name, needed in (("Any", "Any" in annotations), ("Literal", " = Literal[" in text)) if needed]
    found += [f"from typing import {', '.join(typing)}"] if typing else []
    found += ["from uuid import UUID"] if "UUID" in annotations else []
    mapped = ["Mapped", "mapped_column"] if "mapped_column(" in text else []
    found += ["", *(["import sqlalchemy as sa"] if "sa." in text else []), "from mainspring import Mainspring"]
    found += ["from sqlalchemy.dialects import postgresql"] if "postgresql." in text else []
    found += [f"from sqlalchemy.orm import {', '.join(['DeclarativeBase', *mapped])}"]
    return "\n" + "\n".join(found)


# ---------------------------------------------------------------- tables


def _block(table: Table, name: str, enums: Enums) -> str:
    """A class; of a table without a key, which SQLAlchemy maps to none, the bare table."""
    text = list(_class(table, name, enums)) if table.primary_key else lines(_bare(table, name, enums))
    falling = [index for index in table.indexes if index.descending]
    if falling:
        columns = f"{name}.__table__.c" if table.primary_key else f"{name}.c"
        text += ["", "", *(line for index in falling for line in lines(_falling(index, columns)))]
    return "\n".join(text)


def _class(table: Table, name: str, enums: Enums) -> Iterator[str]:
    yield f"class {name}(Base):"
    if table.comment and table.comment.strip():
        yield from docstring(table.comment, 1)
        yield ""
    yield f"{INDENT}__tablename__ = {literal(table.name.name)}"
    said: list[str | Call] = [*_constraints(table), *_options(table)]
    if said:
        yield f"{INDENT}__table_args__ = ("
        yield from (line for each in said for line in lines(each, 2, ","))
        yield f"{INDENT})"
    yield ""
    attributes = _attributes(table)
    for column in table.columns.values():
        own, python = attributes[column.name], types(column.type, enums)[1]
        annotated = f"{python} | None" if column.nullable and column.name not in table.primary_key else python
        yield from lines(Call(f"{own}: Mapped[{annotated}] = mapped_column(", arguments(table, column, own, enums)), 1)


def _attributes(table: Table) -> Mapping[str, str]:
    taken = Taken()
    return {name: taken.give(attribute(name)) for name in table.columns}


def _options(table: Table) -> list[str]:
    found = [] if table.name.schema == DEFAULT_SCHEMA else [f'"schema": {literal(table.name.schema)}']
    found += [f'"comment": {literal(table.comment)}'] if table.comment else []
    found += [f'"info": {_info(table)}'] if _info(table) else []
    found += [] if table.with_rowid else ['"sqlite_with_rowid": False']
    return [f"{{{', '.join(found)}}}"] if found else []


def _info(table: Table) -> str:
    return '{"view": True}' if table.view else "" if table.insertable else '{"read_only": True}'


def _constraints(table: Table) -> Iterator[Call]:
    for key in table.foreign_keys:
        if len(key.columns) > 1:
            yield _composite(table, key)
    for unique in table.uniques:
        if len(unique.columns) > 1 or unique.name != usual_unique(table, unique.columns):
            yield _unique(table, unique)
    for index in table.indexes:
        if not index.descending:
            yield Call("sa.Index(", [literal(index.name), *_all(index.columns), *_more(index, index.columns)])
    for own in table.sql_indexes:
        yield _in_sql(table, own)
    for exclusion in table.exclusions:
        yield _exclusion(table, exclusion)
    for check in table.checks:
        yield Call("sa.CheckConstraint(", [sql(check.sql), f"name={literal(check.name)}"])


def _in_sql(table: Table, index: SqlIndex) -> Call:
    """An index in SQL; columns by their names where a part is no more than one."""
    columns = [_column_of(table, part) for part in index.parts]
    parts = [sql(part) if column is None else literal(column) for column, part in zip(columns, index.parts, strict=True)]
    using = [] if index.method is None else [f"postgresql_using={literal(index.method)}"]
    where = [] if index.where is None else [f"{engine}_where={sql(index.where)}" for engine in ("postgresql", "sqlite")]
    return Call("sa.Index(", [literal(index.name), *parts, *_more(index, columns), *using, *where])


def _column_of(table: Table, part: str) -> str | None:
    """The column that a part is, where it is no more than one."""
    return next((name for name in table.columns if quoted(name) == part), None)


def _exclusion(table: Table, exclusion: Exclusion) -> Call:
    parts = []
    for part, operator in exclusion.parts:
        column = _column_of(table, part)
        parts.append(Call("(", [sql(part) if column is None else literal(column), literal(operator)]))
    where = [] if exclusion.where is None else [f"where={sql(exclusion.where)}"]
    named = [f"name={literal(exclusion.name)}", f"using={literal(exclusion.method)}"]
    return Call("postgresql.ExcludeConstraint(", [*parts, *named, *where])


def _composite(table: Table, key: ForeignKey) -> Call:
    theirs = Call("[", [target(key.target, column) for column in key.target_columns], "]")
    return Call("sa.ForeignKeyConstraint(", [Call("[", _all(key.columns), "]"), theirs, *actions(table, key)])


def _unique(table: Table, unique: Unique) -> Call:
    name = [] if unique.name == usual_unique(table, unique.columns) else [f"name={literal(unique.name)}"]
    return Call("sa.UniqueConstraint(", [*_all(unique.columns), *name])


def _falling(index: Index, columns: str) -> Call:
    parts = [f"{columns}[{literal(name)}]{'.desc()' if name in index.descending else ''}" for name in index.columns]
    return Call("sa.Index(", [literal(index.name), *parts, *_more(index, index.columns)])


def _more(index: Index | SqlIndex, columns: Sequence[str | None]) -> list[str | Call]:
    """What an index says beside its parts, of which those that are columns are named."""
    found: list[str | Call] = ["unique=True"] if index.unique else []
    if index.include:
        found.append(Call("postgresql_include=[", _all(index.include), "]"))
    classes = [(name, own) for name, own in zip(columns, index.classes, strict=False) if name is not None and own]
    if classes:
        found.append(Call("postgresql_ops={", [f"{literal(name)}: {literal(own)}" for name, own in classes], "}"))
    return found


def _bare(table: Table, name: str, enums: Enums) -> Call:
    columns = [Call("sa.Column(", arguments(table, column, None, enums)) for column in table.columns.values()]
    options = [] if table.name.schema == DEFAULT_SCHEMA else [f"schema={literal(table.name.schema)}"]
    options += [f"comment={literal(table.comment)}"] if table.comment else []
    options += [f"info={_info(table)}"] if _info(table) else []
    options += [] if table.with_rowid else ["sqlite_with_rowid=False"]
    return Call(f"{name} = sa.Table(", [literal(table.name.name), "Base.metadata", *columns, *_constraints(table), *options])
