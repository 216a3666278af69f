"""Python source as text: literals, and calls broken into lines where they are long."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100
INDENT = "    "
_COLON = re.compile(r"(?<![:\w\\]):(?=\w)|(?<=\\):")


def literal(text: str) -> str:
    """A text as a Python string in double quotes."""
    return json.dumps(text) if text.isascii() and text.isprintable() else _double(text)


def sql(text: str) -> str:
    """SQL as SQLAlchemy's `text`, which takes a word after a colon for a parameter unless a backslash stands before it."""
    escaped = _COLON.sub(r"\:", text)
    return f"sa.text({literal(escaped)})"


def _double(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else ascii(each)[1:-1] for each in escaped) + '"'


@dataclass(frozen=True, slots=True)
class Call:
    """Something in brackets: `head` with the opening one, what stands between, the closing one."""

    head: str
    arguments: Sequence[str | Call]
    tail: str = ")"

    def __str__(self) -> str:
        return f"{self.head}{', '.join(map(str, self.arguments))}{self.tail}"


def lines(piece: str | Call, depth: int = 0, comma: str = "") -> list[str]:
    """A piece of source: one line where it fits, else one for each argument."""
    indent, whole = INDENT * depth, str(piece)
    if isinstance(piece, str) or len(indent) + len(whole) + len(comma) <= WIDTH:
        return [f"{indent}{whole}{comma}"]
    inner = [line for each in piece.arguments for line in lines(each, depth + 1, ",")]
    return [f"{indent}{piece.head}", *inner, f"{indent}{piece.tail}{comma}"]


def comment(text: str) -> list[str]:
    """A text as comments."""
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ")


def docstring(text: str, depth: int) -> list[str]:
    """A comment of the database's as a docstring of one line or several."""
    indent = INDENT * depth
    safe = text.replace("\\", "\\\\").replace('"""', "'''")
    told = ["".join(each if each.isprintable() else " " for each in line).rstrip() for line in safe.strip().splitlines()]
    if len(told) == 1 and not told[0].endswith('"'):
        return [f'{indent}"""{told[0]}"""']
    return [f'{indent}"""', *(f"{indent}{line}".rstrip() for line in told), f'{indent}"""']
