"""A text cut into tokens where PostgreSQL's default parser cuts it.

Words, numbers, versions, hyphenated words (the whole and its parts), hosts, e-mail addresses, URLs and paths are tokens; tags,
entities and protocol heads are passed over. What a token may be is tried in a fixed order, and the first that fits is it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from unicodedata import category

from mainspring.query.search.paths import path_end


class Token(NamedTuple):
    """A piece of text; a `word` has letters only, so that a dictionary of words may know it."""

    text: str
    word: bool


Found = tuple[list[Token], int]
"""The tokens found at a place, and where to go on."""

_SIMPLE: Final = re.compile(
    r"(?:(?:[^\w<+&~/.-]|_)(?:[^\w<+&/-]|_)*+)?+([A-Za-z]++)"
    r"(?=[^\w.@:/\u0080-\U0010ffff-]|_(?![A-Za-z0-9_])|\.(?![A-Za-z0-9_])|:(?!/)|-(?![^\W_])|\Z)"
)
"""Blanks and a word after which nothing stands that could make more of it: nearly all of a usual text."""

_PLAIN: Final = re.compile(
    r"(?:[A-Za-z]++|[\s,;!?()\[\]{}\"'*=#$%^|]++|(?<=[A-Za-z])[.:](?=\s|\Z)|(?<![A-Za-z0-9.:])[0-9]++(?=[\s,;!?)]|\Z))*+",
    re.ASCII,
)
"""Words of ASCII letters and bare numbers, with nothing between them that could make more of them."""

_BLANK: Final = re.compile(r"(?:[^\w<+&/-]|_)*+")
_ALNUM: Final = re.compile(r"[^\W_]++")
_LETTERS: Final = re.compile(r"[A-Za-z]++")
_DIGITS: Final = re.compile(r"[0-9]++")
_MARKS: Final = frozenset({"Mn", "Me", "Mc", "Cf"})

_RUN: Final = re.compile(r"[A-Za-z0-9]++(?:[-._][A-Za-z0-9]++)*+")
_HOST: Final = re.compile(r"[A-Za-z0-9]++(?:[-._][A-Za-z0-9]++)*\.[A-Za-z]{2,}+(?![0-9])")
_PORT: Final = re.compile(r":[0-9]++")
_PROTOCOL: Final = "://"
_URL_PATH: Final = re.compile(r"/[!#-;=?-\[\]_a-z~]++")

_SCIENTIFIC: Final = re.compile(r"[-+]?[0-9]++(?:\.[0-9]++)?+[eE][-+]?[0-9]++")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]++\.[0-9]++")
_VERSION: Final = re.compile(r"[0-9]++(?:\.[0-9]++){2,}+")
_SIGNED: Final = re.compile(r"[-+][0-9]++")

_ENTITY: Final = re.compile(r"&(?:#[0-9]++|#[xX][0-9A-Fa-f]++|[A-Za-z:_](?:[^\W_]|[:_.-])*+);")
_IN_QUOTES: Final = r"{quote}(?:[^{quote}\\]++|\\.(?:[^{quote}]|(?={quote})))*+"
_SINGLE, _DOUBLE = _IN_QUOTES.format(quote="'"), _IN_QUOTES.format(quote='"')
_IN_TAG: Final = (
    rf"(?:[A-Za-z0-9=_#/:.&?%~\s-]|{_SINGLE}'|{_DOUBLE}\")*+"
    rf"(?:>|(?:{_SINGLE}|{_DOUBLE})\\.\Z)"  # a text that ends within a tag, after an escape, is passed over to its end
)
_TAG: Final = re.compile(
    rf"<(?:(?:/[A-Za-z]|[A-Za-z:_])(?:[^\W_]|[:_.-])*+(?:/?>|\s{_IN_TAG})|(?:\?x|![Dd]){_IN_TAG})", re.DOTALL
)
_COMMENT: Final = ("<!--", "-->")
_RAW: Final = re.compile(r"<(/?)(?:script|style)(?=[>\s])", re.IGNORECASE)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text` in their order. A compound (hyphenated word, URL) comes before its parts."""
    place, end = 0, len(text)
    while place < end:
        simple = _SIMPLE.match(text, place)
        if simple is not None:
            yield Token(simple[1], True)
            place = simple.end()
            continue
        found, place = _at(text, place)
        yield from found


def is_plain(text: str) -> bool:
    """Whether the words of `text` are its runs of letters, and its other tokens numbers."""
    return _PLAIN.fullmatch(text) is not None


def _at(text: str, place: int) -> Found:
    """What begins at `place`: tokens, or blanks."""
    first = text[place]
    if first.isalnum():
        if first.isascii():
            return _number(text, place) if first.isdigit() else _ascii_word(text, place)
        return _word(text, place, word_end(text, place))
    opening = _OPENINGS.get(first)
    found = opening(text, place) if opening else None
    if found is not None:
        return found
    blank = _BLANK.match(text, place + 1)
    return [], blank.end() if blank else place + 1


def word_end(text: str, place: int) -> int:
    """Where the letters, digits and marks from `place` on end."""
    while place < len(text):
        run = _ALNUM.match(text, place)
        if run is not None:
            place = run.end()
        elif is_mark(text[place]):
            place += 1
        else:
            break
    return place


def is_mark(character: str) -> bool:
    """Whether a character stands on or beside a letter without ending its word."""
    return not character.isascii() and category(character) in _MARKS


# ---------------------------------------------------------------- words


def _ascii_word(text: str, place: int) -> Found:
    letters = _end(_LETTERS, text, place)
    after = text[letters : letters + 1]
    if after in "-.@_" or after.isdecimal():
        found = _host(text, place)
        if found is not None:
            return found
    if after == ":" and text.startswith(_PROTOCOL, letters):
        return [], letters + len(_PROTOCOL)
    if after in ("/", "."):
        found = _path(text, place, letters)
        if found is not None:
            return found
    return _word(text, place, word_end(text, letters))


def _word(text: str, place: int, end: int) -> Found:
    """A word (with digits: no word of a language), perhaps the first part of a hyphenated one."""
    numeric = any(character in _ASCII_DIGITS for character in text[place:end])
    if numeric and text[end : end + 1] in ("@", "/", "."):
        found = _address(text, place, end) or _path(text, place, end)
        if found is not None:
            return found
    parts = [end]
    while (following := _part_end(text, parts[-1])) is not None:
        parts.append(following)
    if len(parts) == 1:
        return [Token(text[place:end], not numeric)], end
    return _compound(text, place, parts)


def _part_end(text: str, place: int) -> int | None:
    """Where the hyphenated part after `place` ends: `-` and a word that has at least one letter."""
    if not text.startswith("-", place):
        return None
    digits = _DIGITS.match(text, place + 1)
    letter = digits.end() if digits else place + 1
    if letter >= len(text) or not (text[letter].isalnum() or (digits and is_mark(text[letter]))):
        return None
    return word_end(text, letter)


def _compound(text: str, place: int, ends: list[int]) -> Found:
    whole = _plain(text[place : ends[-1]])
    found = [whole]
    for end in ends:
        found.append(_plain(text[place:end]))
        place = end + 1
    after = text[place : place + 1]
    separated = text.startswith("-", ends[-1]) and (after.isalnum() or (after != "" and is_mark(after)))
    return found, place if separated else ends[-1]


def _plain(text: str) -> Token:
    return Token(text, not any(character in _ASCII_DIGITS for character in text))


_ASCII_DIGITS: Final = frozenset("0123456789")


# ---------------------------------------------------------------- hosts, addresses, paths


def _host(text: str, place: int) -> Found | None:
    """An address, a URL (with its host and path) or a host."""
    run = _end(_RUN, text, place)
    if text.startswith("@", run):
        found = _address(text, place, run)
        if found is not None:
            return found
    end = _host_end(text, place)
    if end is None:
        return None
    host = text[place:end]
    path = _end(_URL_PATH, text, end)
    if path == end:
        return [Token(host, False)], end
    return [Token(text[place:path], False), Token(host, False), Token(text[end:path], False)], path


def _host_end(text: str, place: int) -> int | None:
    host = _HOST.match(text, place)
    if host is None or (text[place] in _ASCII_DIGITS and _SCIENTIFIC.match(text, place)):
        return None
    return _end(_PORT, text, host.end())


def _address(text: str, place: int, at: int) -> Found | None:
    """An e-mail address whose `@` stands at `at`."""
    if not text.startswith("@", at):
        return None
    end = _host_end(text, at + 1)
    return None if end is None else ([Token(text[place:end], False)], end)


def _path(text: str, place: int, end: int) -> Found | None:
    """A path whose first name ends at `end`."""
    following = text[end + 1 : end + 2]
    if text.startswith(".", end):
        if not (following.isascii() and (following.isalnum() or following == "_")):
            return None
        reached: int | None = path_end(text, end + 1)
    else:
        reached = path_end(text, end + 1) if text.startswith("/", end) else None
    return None if reached is None else ([Token(text[place:reached], False)], reached)


def _leading_path(text: str, place: int) -> Found | None:
    """A path that begins with `/`, `~` or `.`."""
    end = path_end(text, place + 1, after=text[place])
    return None if end is None else ([Token(text[place:end], False)], end)


# ---------------------------------------------------------------- numbers


def _number(text: str, place: int) -> Found:
    digits = _end(_DIGITS, text, place)
    after = text[digits : digits + 1]
    if after == "@":
        found = _address(text, place, digits)
        if found is not None:
            return found
    if after in ("-", "_", ".") or (after.isascii() and after.isalpha()):
        found = None if _SCIENTIFIC.match(text, place) and after.isalpha() else _host(text, place)
        if found is not None:
            return found
    for pattern in (_VERSION, _SCIENTIFIC, _DECIMAL):
        number = pattern.match(text, place)
        if number is not None:
            return [Token(number[0], False)], number.end()
    if after.isalnum() or (after != "" and is_mark(after)):
        return _word(text, place, word_end(text, digits))
    found = _path(text, place, digits) if after == "/" else None
    return found or ([Token(text[place:digits], False)], digits)


def _signed(text: str, place: int) -> Found | None:
    """A number with a sign; a version has none."""
    version = _VERSION.match(text, place + 1)
    if version is not None:
        return [], place + 1
    for pattern in (_SCIENTIFIC, _DECIMAL, _SIGNED):
        number = pattern.match(text, place)
        if number is not None:
            return [Token(number[0], False)], number.end()
    return None


# ---------------------------------------------------------------- markup


def _markup(text: str, place: int) -> Found | None:
    """A tag or a comment, which are passed over; what stands within a script or style is, too."""
    raw = _RAW.match(text, place)
    end = _markup_end(text, place)
    if raw is not None and not raw[1]:
        return [], _raw_end(text, end or place + 1)
    return None if end is None else ([], end)


def _markup_end(text: str, place: int) -> int | None:
    if text.startswith(_COMMENT[0], place):
        closed = text.find(_COMMENT[1], place + len(_COMMENT[0]))
        return None if closed < 0 else closed + len(_COMMENT[1])
    tag = _TAG.match(text, place)
    return tag.end() if tag else None


def _raw_end(text: str, place: int) -> int:
    """Where a script or style ends: at a closing tag of either, or with the text."""
    while (place := text.find("<", place)) >= 0:
        raw, end = _RAW.match(text, place), _markup_end(text, place)
        if raw is not None and raw[1]:
            return end or place + 1
        place = end or place + 1
    return len(text)


def _entity(text: str, place: int) -> Found | None:
    entity = _ENTITY.match(text, place)
    return ([], entity.end()) if entity else None


_OPENINGS: Final[dict[str, Callable[[str, int], Found | None]]] = {
    "<": _markup,
    "-": _signed,
    "+": _signed,
    "&": _entity,
    "~": _leading_path,
    "/": _leading_path,
    ".": _leading_path,
}


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    """Where a match at `place` ends; `place` itself where there is none."""
    found = pattern.match(text, place)
    return found.end() if found else place
