"""Full-text search as PostgreSQL means it, in plain Python: words of a text, queries, and whether one fits the other.

What most requests need of it is here; the rest is imported by the first search.
"""

from __future__ import annotations

from typing import Any, Final

from mainspring.errors import NotSupported

CONFIGS: Final = frozenset({"english", "simple"})
"""The configurations known here. A database may have more."""
SEARCHES: Final = frozenset({"fts", "plfts", "phfts", "wfts"})
"""The operators that search."""


def known(config: str) -> str | None:
    """The configuration that `config` names (perhaps with its schema), None when it is none of `CONFIGS`."""
    name = config.strip().removeprefix("pg_catalog.").lower()
    return name if name in CONFIGS else None


def unsupported(operator: str, config: str, by: str) -> NotSupported:
    """The refusal of a configuration that is not known here."""
    return NotSupported(f'the operator {operator} with the configuration "{config}"', by=by, instead="Use english or simple.")


def check(text: str) -> None:
    """Raises SearchInvalid or LimitExceeded for a text that is no query of the operator `fts`."""
    from mainspring.query.search.parse import parse

    parse("fts", "simple", text)


def matches(operator: str, config: str, query: str, value: Any) -> bool:
    """Whether a text, or the texts in a JSON document, fit a query. Raises what parsing the query raises."""
    from mainspring.query.search.match import matches

    return matches(operator, config, query, value)
