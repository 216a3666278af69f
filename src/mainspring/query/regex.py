"""Regular expressions: the part of PostgreSQL's syntax that every engine understands alike, read once and spelt for each.

What a pattern means is decided here, not by an engine: `.` and negated sets match line ends, `^` and `$` are the ends of the
text, `\\d \\w \\s`, named classes and the folding of case know ASCII only. Back references and lookaround, which cannot be
matched in linear time, are refused. Engines only decide whether a text matches, so groups capture nothing and laziness is moot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from mainspring.errors import LimitExceeded, ValueInvalid

MAX_SIZE = 1_000
"""The most atoms of a pattern, repetitions counted as often as they are written out."""

MAX_DEPTH = 50
MAX_REPEAT = 255  # PostgreSQL's
_LAST = 0x10FFFF

Span = tuple[int, int]
Spans = tuple[Span, ...]


class Characters(msgspec.Struct, frozen=True):
    """One character of a set: code points from-to; `negated`, any other one."""

    spans: Spans
    negated: bool = False


class Place(msgspec.Struct, frozen=True):
    """A place between characters: start or end of the text (A, Z), a word's edge or none (y, Y)."""

    name: str


class Repeated(msgspec.Struct, frozen=True):
    """An atom and how often it stands there, as it is written (empty: once)."""

    atom: Characters | Place | Group
    times: str = ""


class Group(msgspec.Struct, frozen=True):
    """Alternatives, each a sequence."""

    branches: tuple[tuple[Repeated, ...], ...]


class _Spelling(msgspec.Struct, frozen=True):
    """How an engine writes what engines write differently."""

    code: str
    places: dict[str, str]


_RE2 = _Spelling("\\x{{{:X}}}", {"A": "\\A", "Z": "\\z", "y": "\\b", "Y": "\\B"})
_POSTGRES = _Spelling("\\U{:08X}", {"A": "\\A", "Z": "\\Z", "y": "\\y", "Y": "\\Y"})


def check(pattern: str) -> None:
    """Raises ValueInvalid for what is no pattern here, LimitExceeded for one that is too large."""
    _read(pattern)


@lru_cache(maxsize=256)
def for_re2(pattern: str, fold: bool) -> str:
    """The pattern in RE2's spelling; with `fold` ASCII letters match in either case."""
    return _spelt(_read(pattern), fold, _RE2)


@lru_cache(maxsize=256)
def for_postgres(pattern: str, fold: bool) -> str:
    """The pattern as a PostgreSQL advanced regular expression."""
    return _spelt(_read(pattern), fold, _POSTGRES)


def search(spelt: str, text: str) -> bool:
    """Whether a pattern `for_re2` matches somewhere in `text`, in time linear in its length."""
    return _compiled(spelt).search(text.encode()) is not None


@lru_cache(maxsize=256)
def _compiled(spelt: str) -> Any:
    import re2  # three megabytes that most applications never need

    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    return re2.compile(spelt.encode(), options)


# ---------------------------------------------------------------- spelling


def _spelt(group: Group, fold: bool, spelling: _Spelling) -> str:
    return "|".join("".join(_repeated(part, fold, spelling) for part in branch) for branch in group.branches)


def _repeated(part: Repeated, fold: bool, spelling: _Spelling) -> str:
    match part.atom:
        case Group():
            atom = f"(?:{_spelt(part.atom, fold, spelling)})"
        case Place(name):
            atom = spelling.places[name]
        case Characters(spans, negated):
            atom = _characters(_folded(spans) if fold else spans, negated, spelling)
    return atom + part.times


def _characters(spans: Spans, negated: bool, spelling: _Spelling) -> str:
    if spans == _ANY.spans:
        return "."
    if len(spans) == 1 and spans[0][0] == spans[0][1] and not negated:
        return _character(spans[0][0], spelling)
    inner = "".join(
        _character(low, spelling) if low == high else f"{_character(low, spelling)}-{_character(high, spelling)}"
        for low, high in spans
    )
    return f"[{'^' if negated else ''}{inner}]"


def _character(code: int, spelling: _Spelling) -> str:
    character = chr(code)
    return character if character.isascii() and character.isalnum() else spelling.code.format(code)


# ---------------------------------------------------------------- sets


def _merged(spans: Iterable[Span]) -> Spans:
    """In order, without overlaps."""
    found: list[Span] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def _others(spans: Spans) -> Spans:
    """Every character that is not among `spans` (texts hold no NUL)."""
    found: list[Span] = []
    following = 1
    for low, high in spans:
        if following < low:
            found.append((following, low - 1))
        following = high + 1
    return (*found, (following, _LAST)) if following <= _LAST else tuple(found)


def _folded(spans: Spans) -> Spans:
    """With the other case of every ASCII letter."""
    found = list(spans)
    for low, high in spans:
        for first, last, shift in ((65, 90, 32), (97, 122, -32)):
            if low <= last and high >= first:
                found.append((max(low, first) + shift, min(high, last) + shift))
    return _merged(found)


def _set(text: str) -> Spans:
    return _merged((ord(low), ord(high)) for low, high in re.findall("(.)-(.)", text, re.DOTALL))


_ANY = Characters(((1, _LAST),))
_CLASSES = {
    "alpha": _set("A-Za-z"),
    "digit": _set("0-9"),
    "alnum": _set("0-9A-Za-z"),
    "word": _set("0-9A-Z_-_a-z"),
    "upper": _set("A-Z"),
    "lower": _set("a-z"),
    "blank": _set("\t-\t - "),
    "space": _set("\t-\r - "),
    "cntrl": _set("\x01-\x1f\x7f-\x7f"),
    "graph": _set("!-~"),
    "print": _set(" -~"),
    "punct": _set("!-/:-@[-`{-~"),
    "xdigit": _set("0-9A-Fa-f"),
}
_SHORT = {"d": _CLASSES["digit"], "w": _CLASSES["word"], "s": _CLASSES["space"]}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}


# ---------------------------------------------------------------- reading

_TIMES = re.compile(r"(?:[*+?]|\{(\d{1,3})(?:(,)(\d{1,3})?)?\})\??", re.ASCII)
_CODE = re.compile(r"u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")
_CLASS = re.compile(r"\[:([a-z]+):\]")
_REFUSED = {
    "b": "\\b means backspace in PostgreSQL: write \\y for the edge of a word",
    "B": "\\B means a backslash in PostgreSQL: write \\Y for a place that is no edge of a word, \\\\ for a backslash",
    "m": "write \\y for the edge of a word",
    "M": "write \\y for the edge of a word",
    "x": "write \\u and four hexadecimal digits for a character",
}


@lru_cache(maxsize=256)
def _read(pattern: str) -> Group:
    reader = _Reader(pattern)
    group, size = reader.group(0)
    if reader.position < len(pattern):
        raise reader.refuse("a bracket ) closes nothing: write \\) for the character")
    return _within(group, size)


def _within(group: Group, size: int) -> Group:
    if size > MAX_SIZE:
        raise LimitExceeded(what="a regular expression with its repetitions", limit=MAX_SIZE, unit="characters")
    return group


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0

    def refuse(self, reason: str) -> ValueInvalid:
        return ValueInvalid(type="regular expression", value=self.pattern, reason=reason)

    def sees(self, text: str) -> bool:
        return self.pattern.startswith(text, self.position)

    def take(self, text: str) -> bool:
        if not self.sees(text):
            return False
        self.position += len(text)
        return True

    def next(self, missing: str) -> str:
        """The next character."""
        if self.position >= len(self.pattern):
            raise self.refuse(missing)
        self.position += 1
        return self.pattern[self.position - 1]

    def group(self, depth: int) -> tuple[Group, int]:
        """Alternatives up to a closing bracket or the end, and their size."""
        if depth > MAX_DEPTH:
            raise LimitExceeded(what="the nesting of a regular expression", limit=MAX_DEPTH, unit="levels")
        branches: list[tuple[Repeated, ...]] = []
        total = 0
        while True:
            parts, size = self.branch(depth)
            branches.append(parts)
            total += size
            if not self.take("|"):
                return Group(tuple(branches)), total

    def branch(self, depth: int) -> tuple[tuple[Repeated, ...], int]:
        parts: list[Repeated] = []
        total = 0
        while self.position < len(self.pattern) and not (self.sees("|") or self.sees(")")):
            atom, size = self.atom(depth)
            times, most = self.times(atom)
            parts.append(Repeated(atom, times))
            total += size * most
        return tuple(parts), total

    def times(self, atom: Characters | Place | Group) -> tuple[str, int]:
        """A quantifier (perhaps none) and the number of copies it stands for."""
        found = _TIMES.match(self.pattern, self.position)
        if found is None:
            if self.sees("{"):
                raise self.refuse("{ begins a repetition such as {2} or {2,5}: write \\{ for the character")
            return "", 1
        if isinstance(atom, Place):
            raise self.refuse("a place in the text cannot be repeated")
        self.position = found.end()
        if _TIMES.match(self.pattern, self.position) or self.sees("{"):
            raise self.refuse("a repetition cannot follow a repetition")
        least, most = int(found[1] or 0), int(found[3] or found[1] or 1)
        if max(least, most) > MAX_REPEAT or (found[3] and most < least):
            raise self.refuse(f"a repetition goes from a number to one that is not smaller, up to {MAX_REPEAT}")
        return found[0], max(least, most, 1)

    def atom(self, depth: int) -> tuple[Characters | Place | Group, int]:
        character = self.next("")
        match character:
            case "(":
                return self.bracketed(depth)
            case "[":
                return self.set(), 1
            case ".":
                return _ANY, 1
            case "^":
                return Place("A"), 1
            case "$":
                return Place("Z"), 1
            case "*" | "+" | "?" | "{":
                raise self.refuse(f"there is nothing that {character} could repeat: write \\{character} for the character")
            case "\\":
                return self.escape(), 1
            case _:
                return Characters(((ord(character), ord(character)),)), 1

    def bracketed(self, depth: int) -> tuple[Group, int]:
        if self.take("?") and not self.take(":"):
            raise self.refuse("lookaround, named groups and flags are not supported: a group is (...) or (?:...)")
        found, size = self.group(depth + 1)
        if not self.take(")"):
            raise self.refuse("a bracket ( is not closed")
        return _within(found, size), max(size, 1)

    def escape(self) -> Characters | Place:
        """What follows a backslash outside of a set."""
        name = self.pattern[self.position : self.position + 1]
        if name and name in "AZyY":
            self.position += 1
            return Place(name)
        return Characters(self.escaped())

    def escaped(self) -> Spans:
        """The characters that follow a backslash stands for."""
        found = _CODE.match(self.pattern, self.position)
        if found is not None:
            self.position = found.end()
            return self.coded(int(found[1] or found[2], 16))
        name = self.next("it must not end with the escape character")
        if name in _SHORT:
            return _SHORT[name]
        if name.lower() in _SHORT:
            return _others(_SHORT[name.lower()])
        if name.isascii() and name.isdigit():
            raise self.refuse("back references are not supported")
        if name.isascii() and name.isalpha() and name not in _CONTROLS:
            raise self.refuse(_REFUSED.get(name, f"\\{name} means nothing here"))
        code = ord(_CONTROLS.get(name, name))
        return ((code, code),)

    def coded(self, code: int) -> Spans:
        if not 0 < code <= _LAST or 0xD800 <= code <= 0xDFFF:
            raise self.refuse("there is no such character")
        return ((code, code),)

    def set(self) -> Characters:
        negated = self.take("^")
        spans: list[Span] = []
        first = True
        while first or not self.take("]"):
            spans += self.member(first)
            first = False
        merged = _merged(spans)
        if negated and merged == _ANY.spans:
            raise self.refuse("a set without any character never matches")
        return Characters(merged, negated)

    def member(self, first: bool) -> Spans:
        """A character, a class or a range."""
        named = _CLASS.match(self.pattern, self.position)
        if named is not None:
            if named[1] not in _CLASSES:
                raise self.refuse(f"there is no class {named[1]}: there are {', '.join(_CLASSES)}")
            self.position = named.end()
            return _CLASSES[named[1]]
        low = self.end_of_range(first)
        if not self.sees("-") or self.sees("-]"):
            return low
        self.position += 1
        high = self.end_of_range(False)
        if len(low) > 1 or len(high) > 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1] or low > high:
            raise self.refuse("a range goes from a character to one that is not before it, as in [a-z]")
        return ((low[0][0], high[0][0]),)

    def end_of_range(self, first: bool) -> Spans:
        if self.sees("[.") or self.sees("[=") or self.sees("[:"):
            raise self.refuse("of the forms [. [= and [: only classes such as [:alpha:] are supported: write \\[ for a bracket")
        character = self.next("a set [ is not closed")
        if character == "\\":
            return self.escaped()
        if character == "-" and not (first or self.sees("]")):
            raise self.refuse("write \\- for a hyphen in a set")
        return ((ord(character), ord(character)),)
