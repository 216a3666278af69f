"""A cursor over a piece of the query string: names, quotes and JSON paths, which all of the grammar shares."""

from __future__ import annotations

import re
from typing import Final

from mainspring.errors import LimitExceeded, SyntaxInvalid

QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
FIELD_NAME: Final = "field name (* or [a..z0..9_$])"

_LONGEST_PATH: Final = 32
_MOST_TERMS: Final = 1000
"""Databases take no more than 1,600 or so columns and order terms, and refuse more of them late."""

_NAME = re.compile(r"[\w $]+(?:-(?!>)[\w $]+)*")
_KEY = re.compile(r"[^(\-:.,>)]+(?:-(?!>)[^(\-:.,>)]+)*")
_INDEX = re.compile(r"-?[0-9]{1,9}(?=->|::|[.,)]|\Z)")
_SPACES = re.compile(r"[ \t]*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def unescape(text: str) -> str:
    """The text inside quotes, with `\\x` read as `x`."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def check_length(part: str, text: str) -> None:
    """Raises LimitExceeded for a list of too many terms."""
    if text.count(",") >= _MOST_TERMS:
        raise LimitExceeded(what=f"the length of {part}", limit=_MOST_TERMS, unit="terms")


class Scanner:
    """Reads `text` from left to right. `part` names the piece in errors."""

    __slots__ = ("part", "position", "text")

    def __init__(self, part: str, text: str) -> None:
        self.part = part
        self.text = text
        self.position = 0

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.text)

    def sees(self, literal: str) -> bool:
        """Whether `literal` comes next."""
        return self.text.startswith(literal, self.position)

    def take(self, literal: str) -> bool:
        """Step over `literal` when it comes next."""
        if not self.sees(literal):
            return False
        self.position += len(literal)
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over what `pattern` matches here."""
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found

    def spaces(self) -> None:
        """Step over blanks."""
        self.match(_SPACES)

    def fail(self, expected: str) -> SyntaxInvalid:
        """The error for this place."""
        return SyntaxInvalid(part=self.part, text=self.text, position=self.position, expected=expected)

    def expect(self, literal: str) -> None:
        """Step over `literal`. Raises SyntaxInvalid when something else comes."""
        if not self.take(literal):
            raise self.fail(f'"{literal}"')

    def finish(self) -> None:
        """Raises SyntaxInvalid when anything is left."""
        if not self.at_end:
            raise self.fail('"," or end of input')

    def name(self) -> str:
        """A field's name, perhaps quoted. Raises SyntaxInvalid."""
        quoted = self.match(QUOTED)
        if quoted is not None:
            return unescape(quoted[1])
        start = self.position
        found = self.match(_NAME)
        name = found[0].strip(" ") if found else ""
        if not name:
            self.position = start
            raise self.fail(FIELD_NAME)
        return name

    def json_path(self) -> tuple[tuple[str | int, ...], bool]:
        """The steps of `->a->0->>b` (perhaps none), and whether they end in text. Raises SyntaxInvalid, LimitExceeded."""
        steps: list[str | int] = []
        as_text = False
        while self.sees("->"):
            if as_text:
                raise self.fail("no further arrow after ->>")
            as_text = self.take("->>")
            if not as_text:
                self.take("->")
            steps.append(self._step())
            if len(steps) > _LONGEST_PATH:
                raise LimitExceeded(what="a JSON path", limit=_LONGEST_PATH, unit="steps")
        return tuple(steps), as_text

    def _step(self) -> str | int:
        quoted = self.match(QUOTED)
        if quoted is not None:
            return unescape(quoted[1])
        index = self.match(_INDEX)
        if index is not None:
            return int(index[0])
        if self.sees("-"):
            self.position += 1
            raise self.fail("digit")
        found = self.match(_KEY)
        if found is None:
            raise self.fail('"-", digit or any non reserved character different from: .,>()')
        return found[0].strip()
