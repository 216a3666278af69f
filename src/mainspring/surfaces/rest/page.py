"""Pages: `limit` and `offset`, the `Range` header, and the Content-Range that answers them."""

from __future__ import annotations

import re
from typing import Final

from mainspring.errors import RangeNotSatisfiable, SyntaxInvalid

_LARGEST: Final = 2**63 - 1
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
_RANGE = re.compile(rb"([0-9]{1,18})-([0-9]{0,18})")

Range = tuple[int, int | None]
"""First and last row asked for, counted from 0; None: to the end."""


def read_limit(text: str) -> int:
    """How many rows at most. Raises SyntaxInvalid, RangeNotSatisfiable when negative."""
    limit = _whole("limit parameter", text)
    if limit < 0:
        raise RangeNotSatisfiable(0, reason="Limit should be greater than or equal to zero.")
    return limit


def read_offset(text: str) -> int:
    """How many rows to pass over; less than none is none. Raises SyntaxInvalid."""
    return max(_whole("offset parameter", text), 0)


def _whole(part: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise SyntaxInvalid(part, text, 0, "digit")
    return min(int(text), _LARGEST)


def parse_range(header: bytes) -> Range | None:
    """The rows a `Range` header asks for, None for a unit that is not rows (HTTP has it ignored).

    Raises SyntaxInvalid when it is no range, RangeNotSatisfiable when it ends before it begins.
    """
    if b"=" in header:
        return None
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        raise SyntaxInvalid("Range header", header.decode("latin-1"), 0, "first-last, such as 0-9")
    first, last = int(found[1]), int(found[2]) if found[2] else None
    if last is not None and last < first:
        reason = "The lower boundary must be lower than or equal to the upper boundary in the Range header."
        raise RangeNotSatisfiable(first, reason=reason)
    return first, last


def intersect(asked: Range, limit: int | None, offset: int) -> tuple[int | None, int]:
    """Limit and offset of the rows that header and parameters both ask for. Raises RangeNotSatisfiable."""
    if limit == 0:
        return 0, 0
    first, last = max(asked[0], offset), asked[1]
    if limit is not None:
        last = offset + limit - 1 if last is None else min(last, offset + limit - 1)
    if last is None:
        return None, first
    if last < first:
        reason = "The Range header has no row in common with limit and offset."
        raise RangeNotSatisfiable(first, reason=reason)
    return last - first + 1, first


def content_range(offset: int, count: int, total: int | None) -> bytes:
    """The value of Content-Range for `count` rows from `offset` on, of `total` (None: not counted)."""
    if total is None:
        return b"%d-%d/*" % (offset, offset + count - 1) if count else b"*/*"
    return b"%d-%d/%d" % (offset, offset + count - 1, total) if count and total else b"*/%d" % total


def page_status(offset: int, count: int, total: int | None) -> int:
    """200, or 206 when rows are known to be missing. Raises RangeNotSatisfiable for a page past the end."""
    if total is None:
        return 200
    if offset > total:
        raise RangeNotSatisfiable(offset, total)
    return 206 if count < total else 200
