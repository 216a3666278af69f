"""Views, which the memory engine has none of: it evaluates no SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from mainspring.catalog.model import Table
from mainspring.errors import NotSupported
from mainspring.query.expr import Source


def refuse_views(plan: Any) -> None:
    """Raises NotSupported where a plan looks at a view."""
    for table in _tables(plan):
        if table.view:
            raise NotSupported(f'the view "{table.name.name}"', by="the memory engine", instead="Use SQLite or PostgreSQL.")


def _tables(node: Any) -> Iterator[Table]:
    if isinstance(node, tuple):
        for item in node:
            yield from _tables(item)
    elif isinstance(node, Source):
        yield node.table
        yield from _tables((node.guard, node.joined))
    elif isinstance(node, msgspec.Struct) and not isinstance(node, Table):
        for name in node.__struct_fields__:
            yield from _tables(getattr(node, name))
