"""The document as a whole. Pure: what a caller may do in, bytes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from mainspring.catalog.access import Access
from mainspring.catalog.model import Catalog
from mainspring.catalog.routines import Routine
from mainspring.surfaces.rest.openapi import functions, tables
from mainspring.surfaces.rest.openapi.parameters import SHARED, refs
from mainspring.surfaces.rest.openapi.tables import Shown, component, path_of
from mainspring.surfaces.rest.openapi.types import Json

_OPERATORS: Final = """\
Rows are filtered by their columns: `?price=lt.10&title=like.S*`. An operator stands before its value, `not.` before an
operator, and `(any)` or `(all)` behind those that compare: `like(any).{A*,B*}`.

| operator | means |
|---|---|
| `eq` `neq` | equal, not equal |
| `gt` `gte` `lt` `lte` | greater, less, or equal |
| `like` `ilike` | a pattern, `*` stands for any text; `ilike` takes no heed of case |
| `in` | one of a list: `in.(1,2,"a,b")` |
| `is` | `null`, `not_null`, `true`, `false`, `unknown` |
| `isdistinct` | not equal, where null equals null |
| `match` `imatch` | a regular expression, `imatch` without heed of case |
| `cs` `cd` `ov` | contains, is contained in, overlaps: arrays, ranges, JSON |
| `sl` `sr` `nxr` `nxl` `adj` | left of, right of, not right of, not left of, adjacent: ranges |
| `fts` `plfts` `phfts` `wfts` | full-text search |

Which of them a column takes, its parameter says. `and=(...)` and `or=(...)` combine conditions.\
"""


@dataclass(frozen=True, slots=True)
class About:
    """What the document says about the API as a whole: its address, the caller's role, whether a key is needed.

    `comment` is the schema's, `version` ours, `native` whether the database types and authorises by itself. Of several `schemas`
    the document is about `schema`; without a header a request is about the first.
    """

    server: str
    role: str
    version: str
    comment: str | None = None
    key_needed: bool = False
    native: bool = False
    schemas: tuple[str, ...] = ()
    schema: str = ""


def openapi(catalog: Catalog, accesses: Iterable[Access], routines: Iterable[Routine], about: About) -> bytes:
    """The OpenAPI 3.1 document of what the caller may do with tables and functions."""
    shown = Shown(catalog, {access.table.name: access for access in accesses}, about.native)
    callable_ = _overloads(routines)
    called = {f"/rpc/{path_of(name)}": functions.operations(shown, overloads) for name, overloads in callable_.items()}
    paths = {f"/{path_of(name.name)}": tables.operations(shown, access) for name, access in shown.tables.items()}
    filters = {name: spec for access in shown.tables.values() for name, spec in tables.parameters(shown, access).items()}
    document = {
        "openapi": "3.1.0",
        "info": _info(about),
        "servers": [{"url": about.server}],
        "security": [{"apikey": []}, {"bearer": []}, *([] if about.key_needed else [{}])],
        "tags": _tags(shown, callable_),
        "paths": _profiled(paths | called, about),
        "components": {
            "schemas": _schemas(shown, callable_),
            "parameters": {**SHARED, **filters, **_profiles(about)},
            "responses": _RESPONSES,
            "securitySchemes": _SECURITY,
        },
        **({"x-schema": about.schema, "x-schemas": about.schemas} if len(about.schemas) > 1 else {}),
    }
    return msgspec.json.encode(document)


def _profiles(about: About) -> Json:
    """The headers that name the schema, where there are several."""
    if len(about.schemas) < 2:
        return {}
    said = {"in": "header", "description": "The schema.", "schema": {"type": "string", "enum": [about.schema]}}
    needed = {"required": about.schema != about.schemas[0], "example": about.schema}
    return {name: {"name": name, **said, **needed} for name in ("Accept-Profile", "Content-Profile")}


def _profiled(paths: Json, about: About) -> Json:
    if len(about.schemas) > 1:
        for operations in paths.values():
            for method, operation in operations.items():
                operation["parameters"] += refs("Accept-Profile" if method == "get" else "Content-Profile")
    return paths


def _info(about: About) -> Json:
    title, _, rest = (about.comment or "").partition("\n")
    told = f"What the role `{about.role}` may do: no more is here, and no less."
    description = "\n\n".join(part for part in (rest.strip(), told, _OPERATORS) if part)
    return {"title": title.strip() or "Data API", "version": about.version, "description": description}


def _overloads(routines: Iterable[Routine]) -> dict[str, list[Routine]]:
    found: dict[str, list[Routine]] = {}
    for routine in routines:
        found.setdefault(routine.name.name, []).append(routine)
    return found


def _tags(shown: Shown, callable_: dict[str, list[Routine]]) -> list[Json]:
    named = [access.table for access in shown.tables.values()]
    found: list[Json] = [
        {"name": table.name.name, **({"description": table.comment} if table.comment else {})} for table in named
    ]
    return [*found, *([{"name": "Functions"}] if callable_ and all(each["name"] != "Functions" for each in found) else [])]


def _schemas(shown: Shown, callable_: dict[str, list[Routine]]) -> Json:
    rows = {name: schema for access in shown.tables.values() for name, schema in tables.schemas(shown, access)}
    calls = {component(name, "Arguments"): functions.schema(overloads) for name, overloads in callable_.items()}
    return rows | calls | {"Error": _ERROR}


_ERROR: Final[Json] = {
    "type": "object",
    "description": "Why a request was refused: `code` names the reason for programs, the others tell it to people.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string", "examples": ["PGRST100", "42501"]},
        "message": {"type": "string"},
        "details": {"description": "What exactly was wrong."},
        "hint": {"type": ["string", "null"], "description": "What to do about it."},
    },
}


def _error(told: str) -> Json:
    return {"description": told, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}


_RESPONSES: Final[Json] = {
    "Refused": _error("Refused: the request is wrong, or not for this caller."),
    "Failed": _error("The server or its database could not answer."),
    "Ambiguous": _error("The request can be read in several ways; the details list them."),
}
_SECURITY: Final[Json] = {
    "apikey": {"type": "apiKey", "in": "header", "name": "apikey", "description": "The anon or the service key."},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The token of a signed-in user."},
}
