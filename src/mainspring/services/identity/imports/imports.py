"""Taking people in who signed in elsewhere, a batch at a time, each in one transaction. Who is there already stays as they are.

So it can be broken off anywhere and begun again. Nobody is told (no mail, no hook): for them nothing has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from mainspring.errors import ConstraintError, RequestError
from mainspring.query.ast import Column, Field
from mainspring.services.identity.accounts import Row, logged
from mainspring.services.identity.factors.totp import place
from mainspring.services.identity.imports.person import Here, Person, person
from mainspring.services.identity.imports.records import Record, Unfit
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker
from mainspring.services.identity.store import Step, Table

BATCH: Final = 500
"""People in one transaction."""
_THERE: Final = "is there already"
_LONGEST: Final = 200


class Outcome(msgspec.Struct):
    """What became of records. `passed_over` (who was not taken) and `left_behind` (what of theirs was not) say where and why."""

    taken: int = 0
    there: int = 0
    passed_over: list[tuple[str, str]] = []
    left_behind: list[tuple[str, str]] = []


class _Owner(msgspec.Struct, frozen=True):
    """By what a user is known."""

    id: str
    email: str | None = None
    phone: str | None = None


class _Account(msgspec.Struct, frozen=True):
    """An account elsewhere that is somebody's."""

    provider: str
    provider_id: str


class _Keys:
    """What nobody else can have: ids, addresses, accounts elsewhere."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._others: set[tuple[str, str]] = set()

    def add(self, owners: Iterable[_Owner], accounts: Iterable[_Account]) -> None:
        for owner in owners:
            self._ids.add(owner.id)
            self._others |= {("email", owner.email or ""), ("phone", owner.phone or "")}
        self._others |= {(f"account at {each.provider}", each.provider_id) for each in accounts}

    def conflict(self, new: Person) -> str | None:
        """Why a person cannot be added."""
        if new.user["id"] in self._ids:
            return _THERE
        wanted = [("email", new.user["email"]), ("phone", new.user["phone"])]
        wanted += [(f"account at {each['provider']}", each["provider_id"]) for each in new.identities]
        return next((f"another user has the {kind}" for kind, text in wanted if text and (kind, text) in self._others), None)


class Imports(msgspec.Struct, frozen=True):
    """People from elsewhere."""

    parts: Parts

    async def take(self, records: Sequence[Record], *, dry: bool = False) -> Outcome:
        """Take people in, or (`dry`) only say what would become of them. Raises NotSupported where a library is missing."""
        outcome = Outcome()
        people = self._read(records, outcome)
        new = _sorted_out(people, await self._known(people), outcome)
        if dry:
            _count(new, outcome)
        else:
            await self._write(new, outcome)
        return outcome

    def _read(self, records: Sequence[Record], outcome: Outcome) -> list[Person]:
        here = Here(self.parts.auth.audience, self.parts.passwords.accept, self._sealed)
        people = []
        for record in records:
            try:
                people.append(person(record, here))
            except Unfit as error:
                outcome.passed_over.append((record.place, str(error)))
        return people

    def _sealed(self, factor: str, secret: str) -> str:
        return self.parts.seal.close(secret, place(factor))

    async def _known(self, people: Sequence[Person]) -> _Keys:
        """What of these people's is taken."""
        keys, store = _Keys(), self.parts.store
        owners = store.table("users", _Owner, tuple(Field(Column(name)) for name in _Owner.__struct_fields__))
        accounts = store.table("identities", _Account, tuple(Field(Column(name)) for name in _Account.__struct_fields__))
        for column in _Owner.__struct_fields__:
            wanted = [each.user[column] for each in people if each.user[column]]
            keys.add(await owners.any_of(column, wanted, "id") if wanted else (), ())
        subjects = [row["provider_id"] for each in people for row in each.identities]
        keys.add((), await accounts.any_of("provider_id", subjects, "id") if subjects else ())
        return keys

    async def _write(self, people: Sequence[Person], outcome: Outcome) -> None:
        """Write people; where one of them is refused, in halves, until it is alone."""
        if not people:
            return
        try:
            await self.parts.store.do(*self._steps(people))
        except (ConstraintError, RequestError) as error:
            if len(people) > 1:
                middle = len(people) // 2
                await self._write(people[:middle], outcome)
                await self._write(people[middle:], outcome)
            elif _sorted_out(people, await self._known(people), outcome):
                outcome.passed_over.append((people[0].place, f"the database refused it: {error.message[:_LONGEST]}"))
            return
        _count(people, outcome)

    def _steps(self, people: Sequence[Person]) -> list[Step]:
        store = self.parts.store
        rows: dict[Table[Any], list[Row]] = {
            store.users: [each.user for each in people],
            store.identities: [row for each in people for row in each.identities],
            store.factors: [row for each in people for row in each.proofs.factors],
            store.passkeys: [row for each in people for row in each.proofs.passkeys],
        }
        noted = logged(store, "users_imported", Asker(), "", None, by="service_role", count=len(people))
        return [*(table.insert_all(found) for table, found in rows.items() if found), noted]


def _sorted_out(people: Iterable[Person], keys: _Keys, outcome: Outcome) -> list[Person]:
    """The people who can be added; of the others it is said why not."""
    new = []
    for each in people:
        conflict = keys.conflict(each)
        if conflict is None:
            new.append(each)
            accounts = [_Account(row["provider"], row["provider_id"]) for row in each.identities]
            keys.add([_Owner(each.user["id"], each.user["email"], each.user["phone"])], accounts)
        elif conflict is _THERE:
            outcome.there += 1
        else:
            outcome.passed_over.append((each.place, conflict))
    return new


def _count(people: Sequence[Person], outcome: Outcome) -> None:
    outcome.taken += len(people)
    outcome.left_behind += [(each.place, reason) for each in people for reason in each.proofs.left]
