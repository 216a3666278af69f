"""Keys for services: made, changed and ended by whoever has the service key, and recognised without asking the database.

Every worker holds the digests of all of them, so that an unknown key costs one look-up as well; what others change it reads every
`auth.revocation_seconds`. When a key was last used is written once a minute, never by a request.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

import msgspec

from mainspring.catalog.model import Catalog
from mainspring.datatypes import format_utc
from mainspring.errors import ApiKeyUnknown, BodyInvalid, Contended, NotSingular, TokenInvalid
from mainspring.principal import SERVICE, Principal
from mainspring.query.ast import Column, Is, Order
from mainspring.services.identity.accounts import logged, stamp
from mainspring.services.identity.keys.scopes import Tables, checked, demand, meant, scope_of
from mainspring.services.identity.opaque import digest, new_key
from mainspring.services.identity.people import Asker, moment, now
from mainspring.services.identity.store import Step, Store

PREFIX: Final = "ms_"
CLAIM: Final = "api_key"
"""The claim that tells such a key's id."""
MOST_KEYS: Final = 10_000
_ALIVE: Final = Is(Column("revoked_at"), "null")
_LONGEST_NAME: Final = 100
_HINT: Final = 9
_OVERLAP: Final = timedelta(seconds=60)
_WHOLE_SECONDS: Final = 600.0
_USED_SECONDS: Final = 60.0
_KEPT: Final = timedelta(days=30)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, but for the key itself. `hint` is how it begins."""

    id: str
    name: str
    key_hash: str
    hint: str
    role: str
    tables: dict[str, list[str]] | None = None
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None
    created_at: str
    updated_at: str


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of a key; UNSET: nothing."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    tables: Tables | msgspec.UnsetType | None = msgspec.UNSET
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET


@dataclass(slots=True)
class _Held:
    """A key as a worker knows it: whom it stands for, until when, when it was used and when that was last written."""

    id: str
    principal: Principal
    ends: float
    used: float = 0.0
    written: float = 0.0


class ScopedKeys:
    """The keys for services. `roles` are those that a key may have, `catalog` is what it may be limited to; None: not known."""

    def __init__(self, store: Store, roles: Collection[str], catalog: Catalog | None) -> None:
        self._store, self._roles, self._rows = store, roles, store.table("api_keys", ApiKey)
        self._catalog = catalog
        self._held: dict[bytes, _Held] = {}
        self._seen = ""
        self._whole = -math.inf

    # ------------------------------------------------------------ recognising

    def find(self, key: bytes) -> Principal:
        """Whom a key stands for. Raises TokenInvalid."""
        held = self._held.get(digest(key))
        if held is None:
            raise TokenInvalid("Unknown API key")
        at = time.time()
        if at >= held.ends:
            raise TokenInvalid("The API key has expired", claims=True)
        held.used = at
        return held.principal

    async def refresh(self) -> None:
        """Read what has changed since the last time, now and then everything; write which keys were used."""
        begun, whole = now(), time.monotonic() - self._whole > _WHOLE_SECONDS
        rows = await (self._rows.all() if whole or not self._seen else self._rows.since("updated_at", self._seen))
        if whole:
            self._whole = time.monotonic()
            await self._sweep(begun)
        self._hold(rows, only=whole)
        self._seen = format_utc(begun - _OVERLAP)
        await self._write_used()

    def _hold(self, rows: list[ApiKey], *, only: bool) -> None:
        before = self._held
        held = {} if only else dict(before)
        for row in rows:
            key = bytes.fromhex(row.key_hash)
            if row.revoked_at is not None or row.role not in self._roles:
                held.pop(key, None)
                continue
            known = before.get(key)
            entry = _Held(row.id, _principal(row), math.inf if row.expires_at is None else moment(row.expires_at).timestamp())
            if known is not None:
                entry.used, entry.written = known.used, known.written
            held[key] = entry
        self._held = held

    async def _write_used(self) -> None:
        at = time.time()
        for held in [each for each in self._held.values() if each.used > each.written and at - each.written >= _USED_SECONDS]:
            held.written = at
            try:
                used = format_utc(datetime.fromtimestamp(held.used, UTC))
                await self._store.do(self._rows.update({"last_used_at": used}, id=held.id))
            except NotSingular:
                continue  # it has been swept away

    async def _sweep(self, at: datetime) -> None:
        await self._store.do(self._rows.older("revoked_at", format_utc(at - _KEPT)))

    # ------------------------------------------------------------ administration

    async def page(self, number: int, size: int) -> tuple[list[ApiKey], int]:
        """One page (from 1) of the keys that are not revoked, the newest first, and how many there are."""
        order = [Order(Column("created_at"), True), Order(Column("id"))]
        return await self._rows.page(_ALIVE, [], order, size, (number - 1) * size)

    async def get(self, id_: str) -> ApiKey:
        """A key. Raises ApiKeyUnknown."""
        row = await self._rows.find(id=id_)
        if row is None or row.revoked_at is not None:
            raise ApiKeyUnknown
        return row

    async def create(
        self, name: str, role: str = SERVICE, tables: Tables | None = None, expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """A new key, and its text, which nobody can tell later. Raises BodyInvalid."""
        if role not in self._roles:
            raise BodyInvalid(f'there is no role "{role[:63]}"{meant(role, sorted(self._roles))}')
        _, count = await self.page(1, 1)
        if count >= MOST_KEYS:
            raise BodyInvalid(f"there are {MOST_KEYS} API keys already; revoke some first")
        key, at = new_key(PREFIX), stamp()
        row: dict[str, Any] = {
            "id": str(uuid4()),
            "name": _name(name),
            "key_hash": digest(key.encode()).hex(),
            "hint": key[:_HINT],
            "role": role,
            "tables": self._checked(tables),
            "expires_at": _future(expires_at),
            "created_at": at,
            "updated_at": at,
        }
        made = ApiKey(**row)
        await self._store.do(self._rows.insert(row), self._logged("api_key_created", made))
        self._hold([made], only=False)
        return made, key

    async def change(self, id_: str, changes: Changes) -> ApiKey:
        """Change a key. Raises ApiKeyUnknown, BodyInvalid."""
        row = await self.get(id_)
        said: dict[str, Any] = {"updated_at": stamp()}
        if changes.name is not msgspec.UNSET:
            said["name"] = _name(changes.name)
        if changes.tables is not msgspec.UNSET:
            said["tables"] = self._checked(changes.tables, row.tables)
        if changes.expires_at is not msgspec.UNSET:
            said["expires_at"] = _future(changes.expires_at)
        return await self._update(row, said, "api_key_modified")

    def _checked(self, tables: Tables | None, had: Tables | None = None) -> dict[str, list[str]] | None:
        """What a key is to be limited to. What it `had` before may be gone since, and stays. Raises BodyInvalid."""
        found = checked(tables)
        if found is not None and self._catalog is not None:
            demand(found.keys() - (had or {}).keys(), self._catalog)
        return found

    async def revoke(self, id_: str) -> None:
        """End a key, here at once and everywhere within `auth.revocation_seconds`. Raises ApiKeyUnknown."""
        at = stamp()
        await self._update(await self.get(id_), {"revoked_at": at, "updated_at": at}, "api_key_revoked")

    async def _update(self, row: ApiKey, said: dict[str, Any], action: str) -> ApiKey:
        changed = msgspec.structs.replace(row, **said)
        try:
            await self._store.do(self._rows.update(said, id=row.id, updated_at=row.updated_at), self._logged(action, row))
        except NotSingular:
            raise Contended from None  # changed or revoked since it was read
        self._hold([changed], only=False)
        return changed

    def _logged(self, action: str, row: ApiKey) -> Step:
        return logged(self._store, action, Asker(), row.id, row.name, role=row.role, tables=row.tables)


def _principal(row: ApiKey) -> Principal:
    claims = MappingProxyType({"role": row.role, CLAIM: row.id})
    return Principal(row.role, None, claims, bypass=row.role == SERVICE, scope=scope_of(row.tables))


def _name(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST_NAME:
        raise BodyInvalid(f"a key has a name of at most {_LONGEST_NAME} characters")
    return text.strip()


def _future(at: datetime | None) -> str | None:
    if at is None:
        return None
    if at.tzinfo is None or at <= now():
        raise BodyInvalid("expires_at is a moment in the future, with a time zone")
    return format_utc(at.astimezone(UTC))
