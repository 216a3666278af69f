"""The one operator table: what each comparison means, on which types, and how its value is written.

Semantics decided here for every engine: text compares by code point; `like` is case-sensitive, `ilike` folds ASCII letters only;
a comparison with null is unknown (three-valued logic). Engines translate these operators; they never give them another meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from mainspring.datatypes import DataType, Kind


class Form(StrEnum):
    """What a value must be: what stands on the right of an operator, or (`count`) a number of rows of a page.

    VALUES and PATTERNS are array literals, for operators that must hold for any or all of their items.
    """

    SCALAR = "scalar"
    LIST = "list"
    PATTERN = "pattern"
    VALUES = "values"
    PATTERNS = "patterns"
    COUNT = "count"


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


_EQUATED = frozenset(Kind) - {Kind.JSON, Kind.NATIVE}
_ORDERED = _EQUATED - {Kind.ARRAY}
_TEXTUAL = frozenset({Kind.TEXT})


@lru_cache(maxsize=512)
def like_regex(pattern: str) -> re.Pattern[str]:
    """The regular expression of a LIKE pattern (`%`, `_`, backslash escapes)."""
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        match character:
            case "%":
                parts.append(".*")
            case "_":
                parts.append(".")
            case "\\":
                parts.append(re.escape(next(characters, "\\")))
            case _:
                parts.append(re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


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
        Operator("eq", Form.SCALAR, _EQUATED, lambda left, right: bool(left == right)),
        Operator("neq", Form.SCALAR, _EQUATED, lambda left, right: bool(left != right)),
        Operator("gt", Form.SCALAR, _ORDERED, lambda left, right: bool(left > right)),
        Operator("gte", Form.SCALAR, _ORDERED, lambda left, right: bool(left >= right)),
        Operator("lt", Form.SCALAR, _ORDERED, lambda left, right: bool(left < right)),
        Operator("lte", Form.SCALAR, _ORDERED, lambda left, right: bool(left <= right)),
        Operator("like", Form.PATTERN, _TEXTUAL, _like),
        Operator("ilike", Form.PATTERN, _TEXTUAL, _ilike),
        Operator("in", Form.LIST, _ORDERED, lambda left, right: left in right),
        Operator("isdistinct", Form.SCALAR, _EQUATED, lambda left, right: bool(left != right)),
    )
}

QUANTIFIED = frozenset({"eq", "gt", "gte", "lt", "lte", "like", "ilike"})
"""The operators that can be asked of any or all of several values."""

IS_TESTS = ("null", "not_null", "true", "false", "unknown")


def sort_key(type_: DataType, value: Any) -> Any:
    """The key by which non-null canonical values of `type_` are ordered.

    Enums order by their place in the declaration; text by code point (as UTF-8 bytes do).
    """
    return type_.values.index(value) if type_.kind is Kind.ENUM else value
