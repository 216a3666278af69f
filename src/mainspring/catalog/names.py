"""Did you mean: the nearest of the names that the caller may know."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """The known name most like `name`, or None when none is. Candidates must be visible to the caller.

    `least` is the share of characters that may stay (by edit distance), from 0 to 1.
    """
    if len(name) > 100:
        return None
    found = get_close_matches(name, [each for each in known if len(each) <= 200], n=5, cutoff=min(least, 0.6))
    alike = [(1 - distance(name, each) / max(len(name), len(each), 1), each) for each in found]
    best = max(alike, key=lambda pair: pair[0], default=(0.0, ""))
    return best[1] if best[0] >= least else None


def distance(left: str, right: str) -> int:
    """How many characters must be added, taken away or changed to make one of the other (Levenshtein)."""
    row = list(range(len(right) + 1))
    for number, one in enumerate(left, 1):
        above, row[0] = row[0], number
        for place, other in enumerate(right, 1):
            above, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, above + (one != other))
    return row[-1]
