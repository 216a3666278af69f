"""What the memory engine cannot search by, refused before a plan runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from mainspring.catalog.model import Column, Table
from mainspring.plan.nodes import Plan
from mainspring.query.expr import Search
from mainspring.query.search import CONFIGS, unsupported


def refuse_unknown(plan: Plan) -> None:
    """Raises NotSupported for a search in `plan` by a configuration that only a database has."""
    for search in _searches(plan):
        if search.config not in CONFIGS:
            raise unsupported(search.op, search.config, "the memory engine")


def _searches(node: Any) -> Iterator[Search]:
    if isinstance(node, Search):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from _searches(item)
    elif isinstance(node, msgspec.Struct) and not isinstance(node, Table | Column):
        for name in node.__struct_fields__:
            yield from _searches(getattr(node, name))
