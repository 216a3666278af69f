"""Our own tables through the one door, with an authority of their own. Knows no rule about people.

Everything here is a query like any other: planned, compiled and kept by its shape. What must stand or fall together is
a list of steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

import msgspec

from mainspring.catalog.system import SystemBase
from mainspring.engines.base import Result
from mainspring.principal import SERVICE_PRINCIPAL
from mainspring.query.ast import (
    And,
    Column,
    Compare,
    Conflict,
    Count,
    Delete,
    Embed,
    Expr,
    Field,
    Insert,
    Item,
    Not,
    Order,
    Read,
    Resolution,
    Selection,
    Slot,
    Star,
    TableName,
    Update,
)
from mainspring.services.data import Data, Write
from mainspring.services.identity.factors.proofs import Ceremony, FactorChallenge, Passkey, RecoveryCode
from mainspring.services.identity.people import (
    CustomProvider,
    Factor,
    Flow,
    Identity,
    OneTimeToken,
    Session,
    SsoDomain,
    SsoProvider,
    User,
)

T = TypeVar("T", bound=msgspec.Struct)
Step = tuple[Write, Sequence[Any]]
_OLDEST_FIRST = (Order(Column("created_at")),)
_TOLD_OF_FACTORS = (
    "id",
    "user_id",
    "friendly_name",
    "factor_type",
    "status",
    "phone",
    "web_authn_aaguid",
    "last_challenged_at",
    "created_at",
    "updated_at",
)
"""The columns of factors that everybody who reads a user sees: nothing secret."""
ACCOUNT: tuple[Item, ...] = (
    Star(),
    Embed("identities", Selection(order=_OLDEST_FIRST)),
    Embed("mfa_factors", Selection(tuple(Field(Column(name)) for name in _TOLD_OF_FACTORS), order=_OLDEST_FIRST)),
)
COMPANY: tuple[Item, ...] = (Star(), Embed("sso_domains", Selection(order=(Order(Column("domain")),))))
PERSON: tuple[Item, ...] = (Star(), Embed("users", Selection(ACCOUNT)))


class Table(Generic[T]):
    """One of our tables, its rows as `T`. `items` is what is read of a row."""

    def __init__(self, data: Data, name: str, rows: type[T], items: tuple[Item, ...] = (Star(),)) -> None:
        self._data, self.name, self._items = data, TableName("auth", name), items
        self._decoder = msgspec.json.Decoder(list[rows])  # type: ignore[valid-type]  # a type that is known only when it runs

    async def find(self, **by: Any) -> T | None:
        """The row with these values, or None."""
        rows = await self.all(**by)
        return rows[0] if rows else None

    async def all(self, **by: Any) -> list[T]:
        """The rows with these values."""
        read = _read(self.name, self._items, tuple(by))
        return self._rows(await self._data.execute(read, list(by.values()), SERVICE_PRINCIPAL))

    async def any_of(self, column: str, values: Sequence[Any], order: str = "created_at") -> list[T]:
        """The rows whose `column` is one of `values`."""
        where = Compare("in", Column(column), Slot(0))
        read = Read(self.name, Selection(self._items, where, (Order(Column(order)),)))
        return self._rows(await self._data.execute(read, [list(values)], SERVICE_PRINCIPAL))

    async def page(
        self, where: Expr | None, values: Sequence[Any], order: Sequence[Order], limit: int, offset: int
    ) -> tuple[list[T], int]:
        """One page of the rows for which `where` holds, and how many there are."""
        first = len(values)
        selection = Selection(self._items, where, tuple(order), Slot(first), Slot(first + 1))
        read = Read(self.name, selection, Count.EXACT)
        result = await self._data.execute(read, [*values, limit, offset], SERVICE_PRINCIPAL)
        return self._rows(result), result.total or 0

    def insert(self, row: Mapping[str, Any], over: tuple[str, ...] = ()) -> Step:
        """A new row; with `over`, in the place of the one that has the same values there."""
        return self.insert_all([row], over)

    def insert_all(self, rows: Sequence[Mapping[str, Any]], over: tuple[str, ...] = ()) -> Step:
        """New rows, at least one, with the same columns."""
        conflict = Conflict(Resolution.MERGE, over) if over else None
        return Insert(self.name, tuple(rows[0]), Slot(0), missing_default=True, conflict=conflict), [list(map(dict, rows))]

    def update(self, changes: Mapping[str, Any], **by: Any) -> Step:
        """A change to the one row with these values; refused (NotSingular) where there is none."""
        where = _where(tuple(by), 1)
        return Update(self.name, tuple(changes), Slot(0), where, singular=True), [dict(changes), *by.values()]

    async def change(self, changes: Mapping[str, Any], where: Expr, values: Sequence[Any]) -> T | None:
        """The one row for which `where` holds, as it is once changed; None where there is none.

        The values of `where` begin with slot 1. Nothing that people are shown of themselves may be changed so (`changes`).
        """
        query = _changed(self.name, self._items, tuple(changes), where)
        rows = self._rows(await self._data.execute(query, [dict(changes), *values], SERVICE_PRINCIPAL))
        return rows[0] if rows else None

    def delete(self, **by: Any) -> Step:
        """The removal of the one row with these values; refused (NotSingular) where there is none."""
        return Delete(self.name, _where(tuple(by), 0), singular=True), list(by.values())

    def clear(self, *, but: str | None = None, **by: Any) -> Step:
        """The removal of every row with these values, there may be none; but not of the row with the id `but`."""
        where, values = _where(tuple(by), 0), list(by.values())
        if but is not None:
            where = And((where, Not(Compare("eq", Column("id"), Slot(len(values))))))
            values.append(but)
        return Delete(self.name, where), values

    def clear_any(self, column: str, values: Sequence[Any]) -> Step:
        """The removal of every row whose `column` is one of `values`."""
        return Delete(self.name, Compare("in", Column(column), Slot(0))), [list(values)]

    def older(self, column: str, than: str, **by: Any) -> Step:
        """The removal of every row (with these values) from before a moment."""
        before = Compare("lt", Column(column), Slot(0))
        where = And((before, _where(tuple(by), 1))) if by else before
        return Delete(self.name, where), [than, *by.values()]

    async def since(self, column: str, at: str) -> list[T]:
        """The rows from a moment on."""
        read = Read(self.name, Selection(self._items, Compare("gte", Column(column), Slot(0))))
        return self._rows(await self._data.execute(read, [at], SERVICE_PRINCIPAL))

    def _rows(self, result: Result) -> list[T]:
        return self._decoder.decode(result.body or b"[]")


class Entry(msgspec.Struct, frozen=True):
    """A line of the audit log."""

    id: str
    payload: dict[str, Any]
    created_at: str
    ip_address: str | None = None


class Mark(msgspec.Struct, frozen=True):
    """Tokens of `subject` issued before `valid_from` are refused, but not those of the session `kept`."""

    subject: str
    valid_from: int
    created_at: str
    kept: str | None = None


class Spent(msgspec.Struct, frozen=True):
    """A signed message that has been used, by its hash."""

    message_hash: str
    created_at: str


OF_USERS: Final = tuple(
    table.name for table in SystemBase.metadata.tables.values() if table.schema == "auth" and "user_id" in table.columns
)
"""The tables whose rows go with a user."""


class Store:
    """The tables of people and their sessions. `changes`: how often `do` changed something in them."""

    def __init__(self, data: Data) -> None:
        self._data, self.changes = data, 0
        self.users = Table(data, "users", User, ACCOUNT)
        self.identities = Table(data, "identities", Identity)
        self.sessions = Table(data, "sessions", Session, PERSON)
        self.tokens = Table(data, "one_time_tokens", OneTimeToken, PERSON)
        self.flows = Table(data, "flow_state", Flow)
        self.entries = Table(data, "audit_log_entries", Entry)
        self.marks = Table(data, "revocations", Mark)
        self.spent = Table(data, "spent_messages", Spent)
        self.sso_providers = Table(data, "sso_providers", SsoProvider, COMPANY)
        self.sso_domains = Table(data, "sso_domains", SsoDomain)
        self.custom_providers = Table(data, "custom_oauth_providers", CustomProvider)
        self.factors = Table(data, "mfa_factors", Factor)
        self.challenges = Table(data, "mfa_challenges", FactorChallenge)
        self.recovery_codes = Table(data, "mfa_recovery_codes", RecoveryCode)
        self.passkeys = Table(data, "webauthn_credentials", Passkey)
        self.ceremonies = Table(data, "webauthn_challenges", Ceremony)

    @property
    def proofs(self) -> tuple[Table[Any], ...]:
        """The tables of what people prove themselves with."""
        return self.factors, self.recovery_codes, self.passkeys, self.ceremonies

    def table(self, name: str, rows: type[T], items: tuple[Item, ...] = (Star(),)) -> Table[T]:
        """Another of our tables, or other columns of one."""
        return Table(self._data, name, rows, items)

    def belongings(self, user: str) -> list[Step]:
        """The removal of all that our tables hold of a user: ways to sign in, sessions, codes, factors, consents."""
        return [Table(self._data, name, User).clear(user_id=user) for name in OF_USERS]

    async def do(self, *steps: Step) -> None:
        """Carry out the steps in their order: all of them or, by raising, none."""
        try:
            await self._data.together(steps, SERVICE_PRINCIPAL)
        finally:
            self.changes += 1


@lru_cache(maxsize=256)
def _read(table: TableName, items: tuple[Item, ...], columns: tuple[str, ...]) -> Read:
    return Read(table, Selection(items, _where(columns, 0)))


@lru_cache(maxsize=64)
def _changed(table: TableName, items: tuple[Item, ...], columns: tuple[str, ...], where: Expr) -> Update:
    return Update(table, columns, Slot(0), where, returning=Selection(items))


@lru_cache(maxsize=256)
def _where(columns: tuple[str, ...], first: int) -> Expr:
    """Equality with the values from slot `first` on."""
    return And(tuple(Compare("eq", Column(name), Slot(first + place)) for place, name in enumerate(columns)))
