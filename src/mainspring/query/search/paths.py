"""Where a file name or a path ends."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9_-]*+")
_STARTS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


class _State(Enum):
    """What may come next: a name (`FIRST`, after `/`), more of one, or what follows a tilde, a dot or two dots."""

    FIRST = "first"
    NAME = "name"
    TILDE = "tilde"
    DOT = "dot"
    DOTS = "dots"


_AFTER: Final = {"/": _State.FIRST, "~": _State.TILDE, ".": _State.DOT}


def path_end(text: str, place: int, after: str = "/") -> int | None:
    """Where the path ends that goes on at `place` after the character `after`; None where there is none."""
    state, settled = _AFTER[after], None
    leading = after == "."  # a text's own first dot must be followed by another or by a slash
    while True:
        character = text[place : place + 1]
        if state is _State.NAME:
            place = _end(_NAME, text, place)
            character = text[place : place + 1]
            if character == "." and text[place + 1 : place + 2] in _STARTS:
                place += 2
                continue
            if character != "/":
                return place
            settled, state = place, _State.FIRST
        elif character in _STARTS and state is not _State.DOTS and not leading:
            state = _State.NAME
        elif state is _State.DOTS and (character == "" or character.isspace()):
            return place
        elif character == "/" and state is not _State.FIRST:
            settled = place if state is _State.DOTS else settled
            state = _State.FIRST
        elif character == "." and state in (_State.FIRST, _State.DOT):
            state = _State.DOTS if state is _State.DOT else _State.DOT
        elif character == "~" and state is _State.FIRST:
            state = _State.TILDE
        else:
            return settled
        leading = False
        place += 1


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place
