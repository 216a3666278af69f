"""From a request's skeleton to its shape: the query with slots where values go. Sees no value and no body."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from mainspring.errors import NotSupported, SyntaxInvalid
from mainspring.http.headers import Header
from mainspring.query.ast import (
    And,
    Call,
    Column,
    Compare,
    Conflict,
    Cursor,
    Delete,
    End,
    Expr,
    Insert,
    Is,
    MediaForm,
    Not,
    Or,
    Read,
    Related,
    Resolution,
    Selection,
    TableName,
    Terms,
    Update,
)
from mainspring.surfaces.rest.cursor import mark, reader
from mainspring.surfaces.rest.errors import Refused
from mainspring.surfaces.rest.filters import Slots, comparison, is_test, refusal
from mainspring.surfaces.rest.media import Media, accepted, negotiate
from mainspring.surfaces.rest.order import parse_order
from mainspring.surfaces.rest.page import read_limit, read_offset
from mainspring.surfaces.rest.preferences import Preferences, Return, parse_preferences
from mainspring.surfaces.rest.scan import Scanner
from mainspring.surfaces.rest.select import Node, parse_select
from mainspring.surfaces.rest.shape import AFTER, Page, Part, Shape, beyond, connective, decode, operation, part_of
from mainspring.surfaces.rest.trees import HAVING, read_tree

_ONCE: Final = ("select", "columns", "on_conflict", "order", "limit", "offset", "having", "distinct", "cursor")


@dataclass(frozen=True, slots=True)
class Grammar:
    """What of the protocol is offered. `native`: a database decides what it understands; `override`: Prefer: tx counts.

    `rollback`: without it writes are undone. `no_geojson`: who cannot make GeoJSON (None: it can be made).
    """

    max_depth: int = 8
    aggregates: bool = True
    target_names: bool = True
    explainable: bool = False
    native: bool = False
    override: bool = False
    rollback: bool = False
    no_geojson: str | None = "this engine"

    def extended(self, asked: Asked) -> bool:
        """Whether HAVING, DISTINCT and cursors are understood in a request."""
        return not (self.native or asked.call)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request without values. `table` of a `call` is the function.

    `bounded` tells whether its Range header (if it has one) names a last row.
    """

    method: str
    table: TableName
    skeleton: str
    accept: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    ranged: bool = False
    bounded: bool = False
    profile: bool = False
    call: bool = False


def parse(asked: Asked, grammar: Grammar) -> Shape:
    """The shape of a request.

    Raises SyntaxInvalid, OperatorInvalid, LimitExceeded, MediaUnavailable, and Refused where PostgREST has its own code.
    """
    media, other = _media(asked, grammar)
    shape = _shape(asked, grammar, media)
    return shape if other is None else dataclasses.replace(shape, otherwise=_shape(asked, grammar, other))


def _shape(asked: Asked, grammar: Grammar, media: Media) -> Shape:
    preferences = parse_preferences(
        asked.prefer, asked.method, override=grammar.override, call=asked.call, any_zone=grammar.native
    )
    extended = grammar.extended(asked)
    arguments, pairs = _arguments(asked, extended)
    once = {name: text for name, text in pairs if name in ("select", "columns", "on_conflict")}
    root, slots = parse_select(once.get("select", "*"), grammar.max_depth, aggregates=grammar.aggregates), Slots()
    places: list[tuple[str, int]] = []
    for name, text in pairs:
        if name in arguments and text == "":
            places.append((name, slots.new().index))
        else:
            _apply(root, name, text, slots, grammar, extended)
    _relate(root)
    if asked.method == "POST" and not asked.call and not grammar.native and root.where:
        raise NotSupported("Filtering an insert", instead="Only reads, updates and deletes have filters.")
    cursor = _cursor(asked, root, slots)
    page = _page(asked, root, slots)
    columns = _names("columns parameter", once["columns"]) if "columns" in once else None
    conflict = _names("on_conflict parameter", once["on_conflict"]) if "on_conflict" in once else ()
    terms = _terms(asked, preferences, media, grammar)
    query = (
        _call(asked, root, slots, preferences, places, terms)
        if asked.call
        else _query(asked, root, slots, preferences, columns or (), conflict, terms)
    )
    if cursor is not None and isinstance(query, Read):
        query = dataclasses.replace(query, cursor=cursor)
    if not isinstance(query, Read) and media.singular:
        query = dataclasses.replace(query, singular=True)
    return Shape(
        query,
        tuple((place, reader) for place, reader in enumerate(slots.readers) if reader is not None),
        page,
        preferences,
        tuple(_headers(asked, preferences)),
        media,
        "/" + quote(asked.table.name, safe=""),
        _sorting(asked.skeleton),
        media.singular,
        columns,
        asked.method,
        None if cursor is None else mark(str(asked.table), root.order, root.keys()),
        tuple(places),
    )


def _media(asked: Asked, grammar: Grammar) -> tuple[Media, Media | None]:
    """In database mode the database may offer more: what is taken first tells at least whether one object is."""
    if not grammar.native:
        return negotiate(asked.accept, explainable=grammar.explainable, no_geojson=grammar.no_geojson)
    first = accepted(asked.accept)[:1] if asked.accept else ()
    if not first:
        return Media(b""), None
    return Media(first[0].media.encode(), first[0].form, first[0].stripped, first[0].explain), None


def _terms(asked: Asked, prefer: Preferences, media: Media, grammar: Grammar) -> Terms:
    if grammar.native:
        return Terms(prefer.end, prefer.max_affected, prefer.timezone, accepted(asked.accept))
    undone = prefer.end is End.ROLLBACK or (grammar.rollback and prefer.end is None)
    end = End.ROLLBACK if undone else None
    features = media.form is MediaForm.GEOJSON
    return Terms(end, prefer.max_affected, prefer.timezone, explain=media.explain, features=features)


def _arguments(asked: Asked, extended: bool) -> tuple[frozenset[str], list[tuple[str, str]]]:
    """Of a call in the query string the names of its arguments (whose values were cut out), and all parameters."""
    pairs = list(_pairs(asked.skeleton, extended))
    if not asked.call or asked.method == "POST":
        return frozenset(), pairs
    return frozenset(name for name, text in pairs if _part(name, text, False) is Part.FILTER and text == ""), pairs


def _part(name: str, text: str, extended: bool) -> Part:
    part = part_of(name)
    if part is not Part.BEYOND:
        return part
    return beyond(name, text) if extended else Part.FILTER


def _pairs(skeleton: str, extended: bool) -> Iterator[tuple[str, str]]:
    """Names and texts, decoded. Raises SyntaxInvalid for a parameter without value, or twice where one counts."""
    seen: set[str] = set()
    for pair in filter(None, skeleton.split("&")):
        name, sign, text = pair.partition("=")
        name, text = decode(name), decode(text)
        if not sign:
            raise SyntaxInvalid("query string", pair, len(pair), '"="')
        if name.rpartition(".")[2] in _ONCE and _part(name, text, extended) is not Part.FILTER:
            if name in seen:
                raise SyntaxInvalid("query string", name, expected=f"the parameter {name} once")
            seen.add(name)
        yield name, text


# ---------------------------------------------------------------- parameters onto the tree


def _apply(root: Node, name: str, text: str, slots: Slots, grammar: Grammar, extended: bool) -> None:
    """Hang one parameter on the tree."""
    match _part(name, text, extended):
        case Part.FILTER:
            path, column = _place(name)
            _filter(_find(root, path, grammar), column, text, slots)
        case Part.TREE:
            place, word = connective(name)
            node, condition = _find(root, _path(place), grammar), read_tree(word, text, slots).condition
            if word == HAVING:
                node.having = condition
            else:
                node.where.append(condition)
        case Part.PAGE:
            place, _, word = name.rpartition(".")
            node = _find(root, _path(place), grammar)
            if word == "limit":
                node.limit = slots.new(read_limit)
            else:
                node.offset = slots.new(read_offset)
        case Part.STRUCTURE if name.endswith("order"):
            _order(_find(root, _path(name.rpartition(".")[0]), grammar), text, grammar)
        case Part.STRUCTURE if name.endswith("distinct"):
            _find(root, _path(name.rpartition(".")[0]), grammar).distinct = text == "true"
        case Part.CURSOR:
            node = _find(root, _path(name.rpartition(".")[0]), grammar)
            if node is not root:
                instead = f'Use its limit and offset, or a cursor in a request for "{node.target}" alone.'
                raise NotSupported("a cursor inside an embed", instead=instead)
            root.cursor = Cursor(slots.new() if text == AFTER else None)


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
    node.where.append(test)


def _relate(node: Node) -> None:
    """Null tests on the name of an embed ask for its rows."""
    keys = {child.key for child in node.children()}
    if keys:
        node.where = [_related(condition, keys) for condition in node.where]
    for child in node.children():
        _relate(child)


def _related(node: Expr, keys: set[str]) -> Expr:
    match node:
        case And(items):
            return And(tuple(_related(item, keys) for item in items))
        case Or(items):
            return Or(tuple(_related(item, keys) for item in items))
        case Not(item):
            return Not(_related(item, keys))
        case Is(Column(name, ()), "null" | "not_null" as what) if name in keys:
            return Related(name, exists=what == "not_null")
        case _:
            return node


def _order(node: Node, text: str, grammar: Grammar) -> None:
    terms = parse_order(text, aggregates=not grammar.native)
    node.order = tuple(
        replace(term, related=_find(node, [term.related], grammar).key) if term.related else term for term in terms
    )


def _find(root: Node, path: list[str], grammar: Grammar) -> Node:
    """The embedded resource at `path`, by alias or by target. Raises Refused (PGRST108)."""
    node = root
    for name in path:
        children = list(node.children())
        found = [child for child in children if child.key == name]
        by_target = [child for child in children if child.target == name]
        if not found and by_target and not grammar.target_names:
            cure = f"Change '{name}' to '{by_target[0].key}' in filters, orders or limits."
            told = "Target names are not allowed in filters if they have an alias"
            raise Refused(400, "PGRST108", f"'{name}' is not an embedded resource in this request", told, cure)
        found = found or by_target
        if not found:
            cure = f"Verify that '{name}' is included in the 'select' query parameter."
            raise Refused(400, "PGRST108", f"'{name}' is not an embedded resource in this request", cure=cure)
        if len(found) > 1:
            cure = "Give each of them an alias and use it in filters, orders and limits."
            raise Refused(400, "PGRST108", f"'{name}' is embedded more than once in this request", cure=cure)
        node = found[0]
    return node


def _cursor(asked: Asked, root: Node, slots: Slots) -> Cursor | None:
    """Where the page begins that is asked for by cursor. Raises SyntaxInvalid beside another way to say it."""
    cursor = root.cursor
    if cursor is None:
        return None
    if asked.method not in ("GET", "HEAD") or root.offset is not None or asked.ranged:
        raise SyntaxInvalid("query string", "cursor", expected="a cursor in a GET, without offset and without Range header")
    if cursor.after is not None:
        slots.readers[cursor.after.index] = reader(mark(str(asked.table), root.order, root.keys()))
    return cursor


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
    terms: Terms,
) -> Read | Insert | Update | Delete:
    returning = _written(root.selection()) if prefer.returning is Return.ROWS else None
    picked = (root.condition(), root.order, root.limit, root.offset)
    match asked.method:
        case "POST":
            upsert = Conflict(prefer.resolution, conflict) if prefer.resolution else None
            keys = prefer.returning is Return.HEADERS
            given = (asked.table, columns, slots.new(), prefer.missing_default, upsert, returning, prefer.count)
            return Insert(*given, keys=keys, terms=terms)
        case "PUT":
            _check_put(root)
            upsert = Conflict(Resolution.MERGE)
            given = (asked.table, columns, slots.new(), False, upsert, returning, prefer.count)
            return Insert(*given, where=root.condition(), terms=terms)
        case "PATCH":
            changes = slots.new()
            more = (returning, prefer.count)
            return Update(asked.table, columns, changes, *picked, *more, missing_default=prefer.missing_default, terms=terms)
        case "DELETE":
            return Delete(asked.table, *picked, returning, prefer.count, terms=terms)
        case _:
            return Read(asked.table, root.selection(), prefer.count, asked.method != "HEAD", terms)


def _check_put(root: Node) -> None:
    """A PUT names one row by equality alone. Raises Refused."""
    if root.limit is not None or root.offset is not None:
        raise Refused(400, "PGRST114", "limit/offset querystring parameters are not allowed for PUT")
    equal = all(isinstance(item, Compare) and item.op == "eq" and item.quantifier is None for item in root.where)
    if not root.where or not equal:
        raise invalid_filters()


def invalid_filters() -> Refused:
    """The refusal of a PUT that does not name a row by its key."""
    return Refused(405, "PGRST105", "Filters must include all and only primary key columns with 'eq' operators")


def _call(asked: Asked, root: Node, slots: Slots, prefer: Preferences, places: list[tuple[str, int]], terms: Terms) -> Call:
    names = tuple(dict.fromkeys(name for name, _ in places))
    reads, rows = asked.method != "POST", asked.method != "HEAD"
    return Call(
        asked.table, names, slots.new(), read_only=reads, selection=root.selection(), count=prefer.count, rows=rows, terms=terms
    )


def _written(returning: Selection) -> Selection:
    """What a write answers: the rows it picked, which its own condition and page have chosen."""
    return replace(returning, where=None, limit=None, offset=None)


def _headers(asked: Asked, prefer: Preferences) -> Iterator[Header]:
    if asked.profile:
        yield b"content-profile", asked.table.schema.encode()
    if prefer.applied:
        yield b"preference-applied", ", ".join(f"{name}={value}" for name, value in prefer.applied).encode()


def _sorting(skeleton: str) -> tuple[int, ...] | None:
    """The places of the parameters in order of name, None when they stand so."""
    names = [decode(pair.partition("=")[0]) for pair in skeleton.split("&")]
    places = sorted(range(len(names)), key=names.__getitem__)
    return tuple(places) if places != list(range(len(names))) else None
