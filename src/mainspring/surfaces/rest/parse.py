"""From a request's skeleton to its shape: the query with slots where values go. Sees no value and no body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from mainspring.errors import NotSupported, SyntaxInvalid
from mainspring.http.headers import Header
from mainspring.query.ast import Column, Conflict, Delete, Insert, Is, Not, Read, Selection, TableName, Update
from mainspring.surfaces.rest.errors import Refused
from mainspring.surfaces.rest.filters import Slots, comparison, is_test, refusal
from mainspring.surfaces.rest.media import negotiate
from mainspring.surfaces.rest.order import parse_order
from mainspring.surfaces.rest.page import read_limit, read_offset
from mainspring.surfaces.rest.preferences import Preferences, Return, parse_preferences
from mainspring.surfaces.rest.scan import Scanner
from mainspring.surfaces.rest.select import Node, parse_select
from mainspring.surfaces.rest.shape import Page, Part, Shape, connective, decode, operation, part_of
from mainspring.surfaces.rest.trees import read_tree

_ONCE: Final = ("select", "columns", "on_conflict", "order", "limit", "offset")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request without values. `bounded` tells whether its Range header (if it has one) names a last row."""

    method: str
    table: TableName
    skeleton: str
    accept: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    ranged: bool = False
    bounded: bool = False
    profile: bool = False


def parse(asked: Asked, max_depth: int) -> Shape:
    """The shape of a request.

    Raises SyntaxInvalid, OperatorInvalid, NotSupported, LimitExceeded, and Refused where PostgREST has its own code.
    """
    media = negotiate(asked.accept)
    preferences = parse_preferences(asked.prefer, asked.method)
    pairs = list(_pairs(asked.skeleton))
    once = {name: text for name, text in pairs if name in ("select", "columns", "on_conflict")}
    root, slots = parse_select(once.get("select", "*"), max_depth), Slots()
    for name, text in pairs:
        _apply(root, name, text, slots)
    page = _page(asked, root, slots)
    columns = _names("columns parameter", once["columns"]) if "columns" in once else None
    conflict = _names("on_conflict parameter", once["on_conflict"]) if "on_conflict" in once else ()
    query = _query(asked, root, slots, preferences, columns or (), conflict)
    if not isinstance(query, Read) and media.singular:
        query = replace(query, singular=True)
    return Shape(
        query,
        tuple((place, reader) for place, reader in enumerate(slots.readers) if reader is not None),
        page,
        preferences,
        tuple(_headers(asked, preferences)),
        media.content_type,
        "/" + quote(asked.table.name, safe=""),
        _sorting(asked.skeleton),
        media.singular,
        columns,
    )


def _pairs(skeleton: str) -> Iterator[tuple[str, str]]:
    """Names and texts, decoded. Raises SyntaxInvalid for a parameter without value, or twice where one counts."""
    seen: set[str] = set()
    for pair in filter(None, skeleton.split("&")):
        name, sign, text = pair.partition("=")
        name = decode(name)
        if not sign:
            raise SyntaxInvalid("query string", pair, len(pair), '"="')
        if name.rpartition(".")[2] in _ONCE and part_of(name) is not Part.FILTER:
            if name in seen:
                raise SyntaxInvalid("query string", name, expected=f"the parameter {name} once")
            seen.add(name)
        yield name, decode(text)


# ---------------------------------------------------------------- parameters onto the tree


def _apply(root: Node, name: str, text: str, slots: Slots) -> None:
    """Hang one parameter on the tree."""
    match part_of(name):
        case Part.FILTER:
            path, column = _place(name)
            _filter(_find(root, path), column, text, slots)
        case Part.TREE:
            place, word = connective(name)
            _find(root, _path(place)).where.append(read_tree(word, text, slots).condition)
        case Part.PAGE:
            place, _, word = name.rpartition(".")
            node = _find(root, _path(place))
            if word == "limit":
                node.limit = slots.new(read_limit)
            else:
                node.offset = slots.new(read_offset)
        case Part.STRUCTURE if name.endswith("order"):
            _order(_find(root, _path(name.rpartition(".")[0])), text)


def _place(name: str) -> tuple[list[str], Column]:
    """The embed path and the column that a filter's name gives."""
    scan = Scanner("tree path", name)
    names = [scan.name()]
    while scan.take("."):
        names.append(scan.name())
    column = Column(names.pop(), *scan.json_path())
    scan.finish()
    return names, column


def _path(text: str) -> list[str]:
    if not text:
        return []
    path, last = _place(text)
    return [*path, last.name]


def _filter(node: Node, column: Column, text: str, slots: Slots) -> None:
    found = operation(text)
    if found is not None:
        node.where.append(comparison(column, found[0], slots))
        return
    test = is_test(column, text)
    if test is None:
        raise refusal(text)
    child = next((child for child in node.children() if child.key == column.name and not column.path), None)
    if child is None:
        node.where.append(test)
    elif test == Not(Is(column, "null")) or test == Is(column, "not_null"):
        child.inner = True
    else:
        feature = f"the filter {text} on the embedded resource '{column.name}'"
        raise NotSupported(feature, instead="Only not.is.null is offered.")


def _order(node: Node, text: str) -> None:
    terms = parse_order(text)
    node.order = tuple(
        replace(term, related=_find(node, [term.related]).key) if term.related else term for term in terms
    )


def _find(root: Node, path: list[str]) -> Node:
    """The embedded resource at `path`, by alias or by target. Raises Refused (PGRST108)."""
    node = root
    for name in path:
        children = list(node.children())
        found = [child for child in children if child.key == name]
        found = found or [child for child in children if child.target == name]
        if not found:
            cure = f"Verify that '{name}' is included in the 'select' query parameter."
            raise Refused(400, "PGRST108", f"'{name}' is not an embedded resource in this request", cure=cure)
        if len(found) > 1:
            cure = "Give each of them an alias and use it in filters, orders and limits."
            raise Refused(400, "PGRST108", f"'{name}' is embedded more than once in this request", cure=cure)
        node = found[0]
    return node


def _page(asked: Asked, root: Node, slots: Slots) -> Page:
    if asked.ranged:
        root.offset = root.offset or slots.new()
        root.limit = root.limit or (slots.new() if asked.bounded else None)
    limit, offset = root.limit, root.offset
    return Page(limit.index if limit else None, offset.index if offset else None, asked.ranged)


def _names(part: str, text: str) -> tuple[str, ...]:
    scan = Scanner(part, text)
    names = [scan.name()]
    while scan.take(","):
        scan.spaces()
        names.append(scan.name())
    scan.finish()
    return tuple(dict.fromkeys(names))


# ---------------------------------------------------------------- the tree into a query


def _query(
    asked: Asked,
    root: Node,
    slots: Slots,
    prefer: Preferences,
    columns: tuple[str, ...],
    conflict: tuple[str, ...],
) -> Read | Insert | Update | Delete:
    returning = root.selection() if prefer.returning is Return.ROWS else None
    match asked.method:
        case "POST":
            if root.where:
                raise NotSupported("Filtering an insert", instead="Only reads, updates and deletes have filters.")
            upsert = Conflict(prefer.resolution, conflict) if prefer.resolution else None
            rows, missing = slots.new(), prefer.missing_default
            return Insert(asked.table, columns, rows, missing, upsert, returning, prefer.count)
        case "PATCH":
            changes = slots.new()
            picked = (root.condition(), root.order, root.limit, root.offset)
            return Update(asked.table, columns, changes, *picked, _written(returning), prefer.count)
        case "DELETE":
            picked = (root.condition(), root.order, root.limit, root.offset)
            return Delete(asked.table, *picked, _written(returning), prefer.count)
        case _:
            return Read(asked.table, root.selection(), prefer.count)


def _written(returning: Selection | None) -> Selection | None:
    """What an update or delete answers: the rows it picked, which its own condition and page have chosen."""
    return returning and replace(returning, where=None, limit=None, offset=None)


def _headers(asked: Asked, prefer: Preferences) -> Iterator[Header]:
    if asked.profile:
        yield b"content-profile", asked.table.schema.encode()
    if prefer.applied:
        yield b"preference-applied", prefer.applied.encode()


def _sorting(skeleton: str) -> tuple[int, ...] | None:
    """The places of the parameters in order of name, None when they stand so."""
    names = [decode(pair.partition("=")[0]) for pair in skeleton.split("&")]
    places = sorted(range(len(names)), key=names.__getitem__)
    return tuple(places) if places != list(range(len(names))) else None
