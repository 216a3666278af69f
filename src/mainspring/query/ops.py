"""The one operator table: what each comparison means, on which types, and how its value is written.

Semantics decided here for every engine: text compares by code point; `like` is case-sensitive, `ilike` folds ASCII letters only;
a comparison with null is unknown (three-valued logic). Engines translate these operators; they never give them another meaning.

Before they meet an operator, canonical values become comparable: with `operand` for the operators that look inside (`cs` and its
like), by `order_key` for the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from mainspring.datatypes import DataType, Document, Kind
from mainspring.query import documents, ranges, regex


class Form(StrEnum):
    """What a value must be: what stands on the right of an operator, or (`count`) a number of rows of a page.

    SEARCH is a search query with operators, WORDS one in plain words. VALUES, PATTERNS and REGEXES are array literals, for
    operators that must hold for any or all of their items.
    """

    SCALAR = "scalar"
    LIST = "list"
    PATTERN = "pattern"
    VALUES = "values"
    PATTERNS = "patterns"
    REGEX = "regular expression"
    REGEXES = "regular expressions"
    COUNT = "count"
    SEARCH = "search query"
    WORDS = "words to search for"


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison: its name, the form of its value, the kinds it accepts and its reference meaning on non-null values."""

    name: str
    form: Form
    kinds: frozenset[Kind]
    test: Callable[[Any, Any], bool]

    def accepts(self, type_: DataType) -> bool:
        """Whether a value of `type_` may stand on the left."""
        return type_.kind in self.kinds


_ORDERED = frozenset(Kind)
_LISTED = _ORDERED - {Kind.ARRAY}
_TEXTUAL = frozenset({Kind.TEXT})
_RANGES = frozenset({Kind.RANGE})
_COLLECTIONS = frozenset({Kind.ARRAY, Kind.RANGE})
_HOLDERS = _COLLECTIONS | {Kind.JSON}


@dataclass(frozen=True, slots=True)
class Items:
    """The items of an array as a set: their keys, and whether there is a null, which equals nothing."""

    keys: frozenset[Any]
    nulls: bool


def operand(type_: DataType, value: Any) -> Any:
    """The non-null canonical `value` for the operators that look inside: Items, a Document or a range's key."""
    match type_.kind:
        case Kind.ARRAY:
            item = type_.item or type_
            return Items(frozenset(order_key(item, each) for each in value if each is not None), None in value)
        case Kind.RANGE:
            return ranges.range_key(type_, value)
        case _:
            return value


def order_key(type_: DataType, value: Any) -> Any:
    """A hashable key by which non-null canonical values of `type_` are ordered, and which equal ones share.

    Enums order by their place in the declaration, text by code point (as UTF-8 bytes do).
    """
    match type_.kind:
        case Kind.ENUM:
            return type_.values.index(value)
        case Kind.JSON:
            return documents.document_key(value.value if isinstance(value, Document) else value)
        case Kind.RANGE:
            return ranges.range_key(type_, value)
        case Kind.ARRAY:
            item = type_.item or type_
            return tuple((each is None, None if each is None else order_key(item, each)) for each in value)
        case _:
            return value


def _contains(left: Any, right: Any) -> bool:
    match left:
        case Items():
            return not right.nulls and bool(left.keys >= right.keys)
        case Document():
            return documents.contains(left.value, right.value)
        case _:
            return ranges.contains(left, right)


def _overlap(left: Any, right: Any) -> bool:
    return not left.keys.isdisjoint(right.keys) if isinstance(left, Items) else ranges.overlap(left, right)


@lru_cache(maxsize=512)
def like_regex(pattern: str) -> re.Pattern[str]:
    """The regular expression of a LIKE pattern (`%`, `_`, backslash escapes).

    What stands between two `%` is found where it comes first, and that is never reconsidered: it cannot help. So no pattern
    makes the search run wild.
    """
    parts: list[list[str]] = [[]]
    characters = iter(pattern)
    for character in characters:
        match character:
            case "%":
                parts.append([])
            case "_":
                parts[-1].append(".")
            case "\\":
                parts[-1].append(re.escape(next(characters, "\\")))
            case _:
                parts[-1].append(re.escape(character))
    first, *between = ("".join(part) for part in parts)
    if not between:
        return re.compile(first, re.DOTALL)
    sought = "".join(f"(?>.*?{part})" for part in between[:-1] if part)
    return re.compile(f"{first}{sought}.*{between[-1]}", re.DOTALL)


_FOLD = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def fold_ascii(text: str) -> str:
    """`text` with A-Z in lower case, everything else as it is."""
    return text.translate(_FOLD)


def _like(left: str, right: str) -> bool:
    return like_regex(right).fullmatch(left) is not None


def _ilike(left: str, right: str) -> bool:
    return like_regex(fold_ascii(right)).fullmatch(fold_ascii(left)) is not None


OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("eq", Form.SCALAR, _ORDERED, lambda left, right: bool(left == right)),
        Operator("neq", Form.SCALAR, _ORDERED, lambda left, right: bool(left != right)),
        Operator("gt", Form.SCALAR, _ORDERED, lambda left, right: bool(left > right)),
        Operator("gte", Form.SCALAR, _ORDERED, lambda left, right: bool(left >= right)),
        Operator("lt", Form.SCALAR, _ORDERED, lambda left, right: bool(left < right)),
        Operator("lte", Form.SCALAR, _ORDERED, lambda left, right: bool(left <= right)),
        Operator("like", Form.PATTERN, _TEXTUAL, _like),
        Operator("ilike", Form.PATTERN, _TEXTUAL, _ilike),
        Operator("match", Form.REGEX, _TEXTUAL, lambda left, right: regex.search(regex.for_re2(right, False), left)),
        Operator("imatch", Form.REGEX, _TEXTUAL, lambda left, right: regex.search(regex.for_re2(right, True), left)),
        Operator("in", Form.LIST, _LISTED, lambda left, right: left in right),
        Operator("isdistinct", Form.SCALAR, _ORDERED, lambda left, right: bool(left != right)),
        Operator("cs", Form.SCALAR, _HOLDERS, _contains),
        Operator("cd", Form.SCALAR, _HOLDERS, lambda left, right: _contains(right, left)),
        Operator("ov", Form.SCALAR, _COLLECTIONS, _overlap),
        Operator("sl", Form.SCALAR, _RANGES, ranges.before),
        Operator("sr", Form.SCALAR, _RANGES, lambda left, right: ranges.before(right, left)),
        Operator("nxr", Form.SCALAR, _RANGES, ranges.ends_within),
        Operator("nxl", Form.SCALAR, _RANGES, ranges.starts_within),
        Operator("adj", Form.SCALAR, _RANGES, ranges.adjacent),
    )
}

INSIDE = frozenset({"cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj"})
"""The operators whose operands `operand` prepares."""

QUANTIFIED = frozenset({"eq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch"})
"""The operators that can be asked of any or all of several values."""

IS_TESTS = ("null", "not_null", "true", "false", "unknown")
