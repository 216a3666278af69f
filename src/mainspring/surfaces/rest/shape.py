"""The text shape of a request: everything that decides what is asked, with the values taken out.

`split` cuts the values out of a query string; what is left, the skeleton, is itself a query string, and the only thing
that the parser ever sees. So no value can change a shape, and two requests with one skeleton ask the same.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote_plus, unquote_plus

from mainspring.errors import SyntaxInvalid
from mainspring.http.headers import Header
from mainspring.query.ast import Call, Delete, Insert, Read, Update
from mainspring.surfaces.rest.filters import Reader, Slots, valued
from mainspring.surfaces.rest.media import Media
from mainspring.surfaces.rest.preferences import Preferences
from mainspring.surfaces.rest.trees import HAVING, read_tree

T = TypeVar("T")


class Part(Enum):
    """What a parameter's name says about its value."""

    FILTER = "filter"
    STRUCTURE = "structure"
    PAGE = "page"
    TREE = "tree"
    CURSOR = "cursor"
    BEYOND = "beyond"


_STRUCTURES: Final = ("select", "columns", "on_conflict")
_LAST_WORDS: Final = {
    "order": Part.STRUCTURE,
    "limit": Part.PAGE,
    "offset": Part.PAGE,
    "and": Part.TREE,
    "or": Part.TREE,
    "having": Part.BEYOND,
    "distinct": Part.BEYOND,
    "cursor": Part.BEYOND,
}
AFTER: Final = "after"
"""Stands in a skeleton for the cursor after which a page begins."""


@lru_cache(maxsize=1024)
def part_of(name: str) -> Part:
    """The part that a parameter (its name as it stands in the URL) plays."""
    plain = decode(name)
    if plain in _STRUCTURES:
        return Part.STRUCTURE
    return _LAST_WORDS.get(plain.rpartition(".")[2], Part.FILTER)


def beyond(name: str, text: str) -> Part:
    """The part of a parameter that goes beyond PostgREST: a filter on a column of that name where the text reads like one."""
    word = decode(name).rpartition(".")[2]
    if word == "having":
        return Part.TREE if text.lstrip(" \t").startswith("(") else Part.FILTER
    if word == "distinct":
        return Part.STRUCTURE if text in ("true", "false") else Part.FILTER
    return Part.CURSOR if "." not in text else Part.FILTER


def decode(text: str) -> str:
    """`text` without its percent-encoding. Raises SyntaxInvalid where that is not UTF-8."""
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise SyntaxInvalid("query string", text, expected="percent-encoded UTF-8") from None


def split(query: str, *, call: bool = False, extended: bool = False) -> tuple[str, list[str]]:
    """The skeleton of a raw query string, and the values cut out of it, decoded and in order.

    Of a `call` a parameter without an operator is an argument, whose value is cut out too. `extended`: what goes beyond
    PostgREST is understood.
    Raises SyntaxInvalid for what is not UTF-8, and what reading a logic tree raises.
    """
    encoded = "%" in query or "+" in query
    kept: list[str] = []
    values: list[str] = []
    for pair in query.split("&"):
        head, dot, rest = pair.partition(".")
        if dot and head in _HEADS:
            kept.append(_HEADS[head])
            values.append(decode(rest) if encoded else rest)
            continue
        name, sign, text = pair.partition("=")
        part = part_of(name)
        if part is Part.BEYOND:
            part = beyond(name, decode(text)) if extended else Part.FILTER
        if part is Part.FILTER:
            found = operation(text)
            if found is not None:
                kept.append(_remember(f"{name}={found[0]}"))
                values.append(decode(found[1]) if encoded else found[1])
            elif encoded and (found := operation(decode(text))) is not None:
                kept.append(f"{name}={found[0]}.")
                values.append(found[1])
            elif call and sign and is_argument(decode(text)):
                kept.append(f"{name}=")
                values.append(decode(text))
            else:
                kept.append(pair)
        elif part is Part.STRUCTURE or not sign:
            kept.append(pair)
        elif part is Part.CURSOR:
            kept.append(f"{name}={AFTER if text else ''}")
            values += [decode(text)] if text else []
        elif part is Part.PAGE:
            kept.append(f"{name}=")
            values.append(decode(text))
        else:
            tree = read_tree(connective(decode(name))[1], decode(text), Slots())
            kept.append(f"{name}={quote_plus(tree.skeleton)}")
            values += tree.values
    return "&".join(kept), values


_HEADS: Final[dict[str, str]] = {}
"""Beginnings of filters seen before, `name=operator`, and what of them is kept. Names that hold a dot are not among them."""

_HEADS_REMEMBERED: Final = 4096


def _remember(head: str) -> str:
    """What is kept of a filter that begins with `head`."""
    if len(_HEADS) >= _HEADS_REMEMBERED:
        _HEADS.clear()
    kept = f"{head}."
    if "." not in head:
        _HEADS[head] = kept
    return kept


def operation(text: str) -> tuple[str, str] | None:
    """The operator (negated or not) and the value of a filter, None when it has no value to cut out."""
    operator, dot, value = text.partition(".")
    if operator == "not":
        operator, dot, value = value.partition(".")
        operator = "not." + operator
    return (operator, value) if dot and valued(operator) else None


def is_argument(text: str) -> bool:
    """Whether the value of a call's parameter is an argument's, and no test such as `is.null`."""
    plain = text.removeprefix("not.")
    return not plain.lower().startswith(("is.null", "is.not_null", "is.true", "is.false", "is.unknown"))


def connective(name: str) -> tuple[str, str]:
    """The embed path (empty: the root) and the connective (`or`, `not.and`, ...) in a logic tree's name."""
    path, _, word = name.rpartition(".")
    if word == HAVING:
        return path, word
    if path == "not" or path.endswith(".not"):
        return path[:-3].rstrip("."), f"not.{word}"
    return path, word


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Where the root's limit and offset stand among the values, and whether a Range header joins in."""

    limit: int | None = None
    offset: int | None = None
    ranged: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A parsed request without its values, and what of its answer is known beforehand.

    `query` of a write still lacks the body's columns unless the request names them. `readers` lists the places whose
    value is more than a text. `arguments` of a call in the query string are names and the places of their values. `headers` are
    part of every answer; `sorting` puts the parameters in order of name. `cursor` marks the order of a page that cursors lead to.
    `otherwise` is the same in the next form that the client takes, for rows of which the first cannot be made.
    """

    query: Read | Insert | Update | Delete | Call
    readers: tuple[tuple[int, Reader], ...]
    page: Page
    preferences: Preferences
    headers: tuple[Header, ...]
    media: Media
    location: str
    sorting: tuple[int, ...] | None
    singular: bool
    columns: tuple[str, ...] | None
    method: str = "GET"
    cursor: bytes | None = None
    arguments: tuple[tuple[str, int], ...] = ()
    otherwise: Shape | None = None

    def read(self, texts: list[str]) -> list[Any]:
        """The values of one request (in `texts` itself), in the places that the query's slots name."""
        values: list[Any] = texts
        for place, reader in self.readers:
            values[place] = reader(values[place])
        return values


class Recent(Generic[T]):
    """Values used lately, at most `size` of them.

    Two generations stand in for an order of use, so that a hit moves nothing: when the young one is full it becomes the old
    one, and what was not asked for again is dropped with it.
    """

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, size: int) -> None:
        self._half = max(1, size // 2)
        self._young: dict[Hashable, T] = {}
        self._old: dict[Hashable, T] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Hashable) -> T | None:
        """The value kept under `key`, which counts as a use."""
        value = self._young.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: Hashable, value: T) -> None:
        """Keep `value` for as long as it is asked for."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = value
