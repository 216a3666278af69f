"""How large a request may be, independent of any database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds the planner holds. `max_rows` None: pages are not capped. `max_grouped`: the rows that aggregates look at."""

    max_rows: int | None = None
    max_grouped: int | None = None
    max_embed_depth: int = 8
    max_tables: int = 40
    max_conditions: int = 500
    max_outputs: int = 1000
