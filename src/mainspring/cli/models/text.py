"""Python source as text: literals, and calls broken into lines where they are long."""

from __future__ import annotations

import json
from collections.abc import Sequence

WIDTH = 100
INDENT = "    "


def literal(text: str) -> str:
    """A text as a Python string in double quotes."""
    return json.dumps(text) if text.isascii() and text.isprintable() else _double(text)


def _double(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else ascii(each)[1:-1] for each in escaped) + '"'


def call(head: str, arguments: Sequence[str], depth: int = 0, tail: str = ")") -> list[str]:
    """The lines of `head` (with its bracket) around arguments: one where it fits, else one for each argument."""
    indent = INDENT * depth
    line = f"{indent}{head}{', '.join(arguments)}{tail}"
    if len(line) <= WIDTH or not arguments:
        return [line]
    return [f"{indent}{head}", *(f"{indent}{INDENT}{each}," for each in arguments), f"{indent}{tail}"]


def docstring(text: str, depth: int) -> list[str]:
    """A comment of the database's as a docstring of one line or several."""
    indent = INDENT * depth
    safe = text.replace("\\", "\\\\").replace('"""', "'''")
    lines = ["".join(each if each.isprintable() else " " for each in line).rstrip() for line in safe.strip().splitlines()]
    if len(lines) == 1 and not lines[0].endswith('"'):
        return [f'{indent}"""{lines[0]}"""']
    return [f'{indent}"""', *(f"{indent}{line}".rstrip() for line in lines), f'{indent}"""']
