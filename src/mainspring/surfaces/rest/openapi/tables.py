"""Tables: the schemas of their rows as they are read and written, and the operations on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from mainspring.catalog.access import Access
from mainspring.catalog.model import Catalog, Column, Relation
from mainspring.query.ast import TableName
from mainspring.surfaces.rest.openapi.parameters import RESERVED, SHARED, by_column, refs
from mainspring.surfaces.rest.openapi.types import Json, column_schema, example

_OWN: Final = ("having", "distinct", "cursor")
"""Parameters that go beyond PostgREST's; a column of the name is filtered instead."""

_OBJECT: Final = "application/vnd.pgrst.object+json"
REFUSED: Final[Json] = {
    "4XX": {"$ref": "#/components/responses/Refused"},
    "5XX": {"$ref": "#/components/responses/Failed"},
}
AMBIGUOUS: Final[Json] = {"300": {"$ref": "#/components/responses/Ambiguous"}}


@dataclass(frozen=True, slots=True)
class Shown:
    """What one caller sees: the tables it may use, by name, and in which mode they are served."""

    catalog: Catalog
    tables: Mapping[TableName, Access]
    native: bool

    def readable(self, name: TableName | None) -> bool:
        """Whether the caller may read anything of a table."""
        return name is not None and name in self.tables and bool(self.tables[name].select)


def component(name: str, suffix: str) -> str:
    """The name of a component about a table or function: what may not stand in one is written as its code point."""
    return f"{_safe(name)}.{suffix}"


def _safe(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else f"-{ord(c):x}-" for c in name)


def ref(name: str, suffix: str) -> Json:
    """A reference to a schema about a table or function."""
    return {"$ref": f"#/components/schemas/{component(name, suffix)}"}


def path_of(name: str) -> str:
    """The path of a table or function."""
    return quote(name, safe="-_.~")


def halves(text: str | None) -> Json:
    """The first line of a comment as summary, the rest as description."""
    first, _, rest = (text or "").partition("\n")
    return {key: value for key, value in (("summary", first.strip()), ("description", rest.strip())) if value}


# ---------------------------------------------------------------- rows


def schemas(shown: Shown, access: Access) -> Iterator[tuple[str, Json]]:
    """The schemas of a table's rows, for each way of using them that the caller has."""
    name = access.table.name.name
    if access.select:
        yield component(name, "Row"), _row(shown, access)
    if access.insert:
        yield component(name, "Insert"), _written(access, access.insert, inserting=True)
    if access.update:
        yield component(name, "Update"), _written(access, access.update, inserting=False)


def _row(shown: Shown, access: Access) -> Json:
    """What is read. No member is required, because `select` decides which there are."""
    columns = access.columns(access.select)
    members = {name: _read(access, column) for name, column in columns.items()}
    embeds = {name: schema for name, schema in _embeds(shown, access) if name not in access.table.columns}
    told = {"description": access.table.comment} if access.table.comment else {}
    example_row = {name: example(column) for name, column in columns.items() if name not in access.table.computed}
    return {"type": "object", **told, "properties": members | embeds, "examples": [example_row]}


def _read(access: Access, column: Column) -> Json:
    notes, computed = [column.comment] if column.comment else [], column.name in access.table.computed
    if computed:
        notes.append("Computed: read where `select` names it.")
    if column.name in access.table.primary_key:
        notes.append("Part of the primary key." if len(access.table.primary_key) > 1 else "The primary key.")
    schema = column_schema(column)
    schema |= {"description": "\n\n".join(notes)} if notes else {}
    return schema if column.writable and not computed else schema | {"readOnly": True}


def _written(access: Access, names: frozenset[str], *, inserting: bool) -> Json:
    columns = access.columns(names)
    required = [name for name, column in columns.items() if inserting and _needed(column)]
    return {
        "type": "object",
        "properties": {name: column_schema(column) for name, column in columns.items()},
        **({"required": required} if required else {}),
        "additionalProperties": False,
        "examples": [_sample(columns, required)],
    }


def _needed(column: Column) -> bool:
    filled = column.autoincrement or column.default is not None or column.server_default is not None
    return not column.nullable and not filled


def _sample(columns: Mapping[str, Column], required: list[str]) -> Json:
    """A short body: what must be said, else one column."""
    return {name: example(columns[name]) for name in required or list(columns)[-1:]}


def _embeds(shown: Shown, access: Access) -> Iterator[tuple[str, Json]]:
    """The related tables that a select can embed, by the name under which they then stand in the row."""
    found: dict[str, list[Relation]] = {}
    for relation in shown.catalog.relations.get(access.table.name, ()):
        if _embeddable(shown, access, relation):
            found.setdefault((relation.function or relation.target).name, []).append(relation)
    for name, relations in found.items():
        yield name, _embedded(name, relations)


def _embeddable(shown: Shown, access: Access, relation: Relation) -> bool:
    if relation.target.schema != access.table.name.schema or not shown.readable(relation.target):
        return False
    if shown.native and relation.function is not None:
        return False  # whether the caller may call it is not known here
    return relation.junction is None or shown.readable(relation.junction.table)


def _embedded(name: str, relations: list[Relation]) -> Json:
    forms = {relation.cardinality.single for relation in relations}
    row = ref(relations[0].target.name, "Row")
    one, many = {"oneOf": [row, {"type": "null"}]}, {"type": "array", "items": row}
    schema: Json = {"anyOf": [one, many]} if len(forms) > 1 else one if True in forms else many
    if len(relations) == 1:
        return {**schema, "description": f"Embedded by `select=*,{name}(*)`."}
    ways = ", ".join(f"`{name}!{hint}(*)`" for hint in sorted({relation.name for relation in relations}))
    return {**schema, "description": f"Embedded in one of several ways: {ways}."}


# ---------------------------------------------------------------- operations


def operations(shown: Shown, access: Access) -> Json:
    """The operations on a table that the caller may use, by method."""
    found: Json = {}
    if access.select:
        found["get"] = _get(shown, access)
    if access.insert:
        found["post"] = _post(access)
    if access.insert and access.update and access.insert.issuperset(access.table.primary_key or [""]):
        found["put"] = _put(shown, access)
    if access.update:
        found["patch"] = _patch(access)
    if access.delete:
        found["delete"] = _delete(access)
    return found


def _operation(access: Access, verb: str, **members: Any) -> Json:
    name = access.table.name.name
    id_ = component(verb.lower().partition(" ")[0], _safe(name))
    return {"tags": [name], "operationId": id_, "summary": f"{verb} `{name}`", **members}


def parameters(shown: Shown, access: Access) -> Json:
    """The parameters that filter a table's rows by their columns, by the names under which operations refer to them."""
    columns = access.columns(access.select).items()
    return {_filter(access, name): by_column(column, native=shown.native) for name, column in columns if name not in RESERVED}


def _filter(access: Access, column: str) -> str:
    return component(access.table.name.name, f"filter.{_safe(column)}")


def _filters(access: Access) -> list[Json]:
    names = [_filter(access, name) for name in access.columns(access.select) if name not in RESERVED]
    return refs(*names, *(("and", "or") if access.select else ()))


def _get(shown: Shown, access: Access) -> Json:
    name = access.table.name.name
    own = [] if shown.native else [each for each in _OWN if each not in access.table.columns]
    paging = [_select(shown, access), *refs("order", "limit", "offset", "Range", "Prefer.read", *own)]
    answers = {"200": _rows(name, "The rows."), "206": _rows(name, "Some of the rows, counted.")}
    return _operation(
        access,
        "Read",
        **({"description": access.table.comment} if access.table.comment else {}),
        parameters=[*_filters(access), *paging],
        responses=answers | AMBIGUOUS | REFUSED,
    )


def _select(shown: Shown, access: Access) -> Json:
    """The parameter that says what to read. A database refuses `*` where some columns are not for the caller."""
    if not shown.native or len(access.select) == len(access.table.columns):
        return refs("select")[0]
    return {**SHARED["select"], "required": True, "example": ",".join(map(_quoted, access.columns(access.select)))}


def _quoted(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _post(access: Access) -> Json:
    name = access.table.name.name
    row = ref(name, "Insert")
    rows = {"anyOf": [row, {"type": "array", "items": row}]}
    body = {
        "required": True,
        "content": {
            "application/json": {"schema": rows, "example": _example(access, "insert")},
            "text/csv": {"schema": {"type": "string"}},
            "application/x-www-form-urlencoded": {"schema": row},
        },
    }
    answers = {"201": _answered(access, "Created."), "200": _answered(access, "An upsert that created nothing.")}
    parameters = refs("columns", "on_conflict", *(("select",) if access.select else ()), "Prefer.insert")
    answers |= AMBIGUOUS | REFUSED
    return _operation(access, "Insert into", parameters=parameters, requestBody=body, responses=answers)


def _put(shown: Shown, access: Access) -> Json:
    """A row put at its key, whether there is one or not."""
    key = access.columns(frozenset(access.table.primary_key))
    content = {"application/json": {"schema": ref(access.table.name.name, "Insert"), "example": _whole(access)}}
    answers = _changed(access, "The row as it now is.") | {"201": _answered(access, "Created.")}
    return _operation(
        access,
        "Put into",
        description="The row at the key that the filters name, and the body repeats, becomes as the body says; or is created.",
        parameters=[
            *({**by_column(column, native=shown.native, only="eq"), "required": True} for column in key.values()),
            *refs("columns", *(("select",) if access.select else ()), "Prefer.put"),
        ],
        requestBody={"required": True, "content": content},
        responses=answers,
    )


def _whole(access: Access) -> Json:
    """A body that names its row."""
    columns = access.columns(access.insert)
    needed = [name for name, column in columns.items() if _needed(column) or name in access.table.primary_key]
    return _sample(columns, needed)


def _patch(access: Access) -> Json:
    name = access.table.name.name
    body = {
        "required": True,
        "content": {
            "application/json": {"schema": ref(name, "Update"), "example": _example(access, "update")},
            "application/x-www-form-urlencoded": {"schema": ref(name, "Update")},
        },
    }
    told = _changed(access, "The rows as they now are.")
    return _operation(access, "Update", parameters=_changing(access), requestBody=body, responses=told)


def _delete(access: Access) -> Json:
    told = _changed(access, "The rows as they were.")
    return _operation(access, "Delete from", parameters=_changing(access), responses=told)


def _changing(access: Access) -> list[Json]:
    return [*_filters(access), *refs(*(("select",) if access.select else ()), "Prefer.change")]


def _changed(access: Access, told: str) -> Json:
    return {"204": {"description": "Done."}, "200": _answered(access, told)} | AMBIGUOUS | REFUSED


def _answered(access: Access, told: str) -> Json:
    """What a write answers: the rows, to who asks for them and may read them."""
    return _rows(access.table.name.name, told) if access.select else {"description": told}


def _rows(name: str, told: str) -> Json:
    rows = {"type": "array", "items": ref(name, "Row")}
    return {
        "description": told,
        "content": {
            "application/json": {"schema": rows},
            _OBJECT: {"schema": ref(name, "Row")},
            "text/csv": {"schema": {"type": "string"}},
        },
    }


def _example(access: Access, command: str) -> Json:
    """A body for a write: what an insert must say, one column of an update."""
    columns = access.columns(access.insert if command == "insert" else access.update)
    return _sample(columns, [name for name, column in columns.items() if command == "insert" and _needed(column)])
