"""The audit log, as who runs the server reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from mainspring.query.ast import Column, Compare, Or, Order, Slot
from mainspring.services.identity.store import Entry, Store

SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "author": ("actor_username", "actor_name"),
    "action": ("action",),
    "type": ("log_type",),
}
"""What can be looked for, and where in an entry it stands."""


class Entries(msgspec.Struct, frozen=True):
    """What was done about users, the newest first."""

    store: Store

    async def page(self, number: int, size: int, scope: str = "", part: str = "") -> tuple[list[Entry], int]:
        """One page (from 1) and how many entries there are; with a scope those that hold `part` there."""
        wanted = "%" + part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        places = [Column("payload", (name,), as_text=True) for name in SCOPES[scope]] if scope and part else []
        where = Or(tuple(Compare("ilike", place, Slot(0)) for place in places)) if places else None
        order = (Order(Column("created_at"), True),)
        return await self.store.entries.page(where, [wanted] if places else [], order, size, (number - 1) * size)
