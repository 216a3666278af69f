"""People who ask for their account again and again: what they are shown is kept, and never older than it may be."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.identity import open_in_memory

from mainspring.errors import SessionUnknown, UserBanned
from mainspring.principal import SERVICE_PRINCIPAL, Principal
from mainspring.services.identity import known
from mainspring.services.identity.addresses import EMAIL, Address
from mainspring.services.identity.people import Asker, Granted, Session, User
from mainspring.services.identity.service import Identity

THERE, NAMED, LONG = Asker("127.0.0.1"), {"name": "Ann"}, "x" * known._MOST_BYTES


class Shown:
    """Somebody who has signed up and looks at their account. `made`: how often it was made for them."""

    def __init__(self, identity: Identity, granted: Granted) -> None:
        self.identity, self.user, self.session, self.made = identity, granted.user, granted.session, 0
        self.principal = caller(granted.user, granted.session)

    async def look(self, principal: Principal | None = None) -> dict[str, Any]:
        """What they say of themselves, as they are shown it."""
        found: list[User] = []

        def render(user: User) -> bytes:
            found.append(user)
            return msgspec.json.encode(user.raw_user_meta_data)

        document = await self.identity.profile.shown(principal or self.principal, render)
        self.made += len(found)
        return msgspec.json.decode(document, type=dict)


def caller(user: User, session: Session) -> Principal:
    return Principal("authenticated", user.id, {"session_id": session.id, "aal": "aal1"})


async def somebody(**said: Any) -> Shown:
    identity = await open_in_memory(autoconfirm=True, **said)
    return Shown(identity, await signed_up(identity, "ann@example.com"))


async def signed_up(identity: Identity, email: str) -> Granted:
    made = await identity.sign_up.with_password(Address(EMAIL, email), "a good password", NAMED, THERE, None, "")
    assert isinstance(made, Granted)
    return made


async def test_who_asks_again_is_not_read_again() -> None:
    ann = await somebody()
    assert [await ann.look() for _ in range(5)] == [NAMED] * 5
    assert ann.made == 1


async def test_a_change_is_shown_at_once() -> None:
    ann = await somebody()
    await ann.look()
    store = ann.identity.parts.store
    await store.do(store.users.update({"raw_user_meta_data": {"name": "Anna"}}, id=ann.user.id))
    assert await ann.look() == {"name": "Anna"}
    assert ann.made == 2


async def test_a_change_while_somebody_is_read_is_not_missed() -> None:
    """What was read before the change is not kept as if it came after."""
    ann = await somebody()
    store, of = ann.identity.parts.store, ann.identity.profile.of
    user, session = await of(ann.principal)
    assert session is not None
    before = ann.identity.profile.known.changes
    await store.do(store.users.update({"raw_user_meta_data": {"name": "Anna"}}, id=ann.user.id))
    ann.identity.profile.known.keep(before, user, session, b'{"name": "Ann"}')
    assert await ann.look() == {"name": "Anna"}


async def test_others_changes_are_shown_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of the operator's change people behind the server's back."""
    ann = await somebody(revocation_seconds=3)
    await ann.look()
    store, clock = ann.identity.parts.store, known.monotonic()
    change = store.users.update({"raw_user_meta_data": {"name": "Anna"}}, id=ann.user.id)
    await store._data.together([change], SERVICE_PRINCIPAL)
    monkeypatch.setattr(known, "monotonic", lambda: clock + 2)
    assert await ann.look() == NAMED
    monkeypatch.setattr(known, "monotonic", lambda: clock + 4)
    assert await ann.look() == {"name": "Anna"}


async def test_nothing_is_kept_where_other_workers_change_people() -> None:
    ann = await somebody(server={"workers": 2})
    assert [await ann.look() for _ in range(3)] == [NAMED] * 3
    assert ann.made == 3


async def test_signing_out_and_being_banned_end_it() -> None:
    ann = await somebody()
    store = ann.identity.parts.store
    await ann.look()
    await store.do(store.users.update({"banned_until": "2999-01-01T00:00:00+00:00"}, id=ann.user.id))
    with pytest.raises(UserBanned):
        await ann.look()
    await store.do(store.users.update({"banned_until": None}, id=ann.user.id))
    await ann.look()
    await ann.identity.profile.sign_out(ann.principal, "global", THERE)
    with pytest.raises(SessionUnknown):
        await ann.look()


async def test_nobody_is_shown_another_person() -> None:
    """Not even with a token of their own that names the other's session."""
    ann = await somebody()
    ben = await signed_up(ann.identity, "ben@example.com")
    await ann.look()
    with pytest.raises(SessionUnknown):
        await ann.look(caller(ben.user, ann.session))


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await somebody()
    store = ann.identity.parts.store
    await store.do(store.users.update({"raw_user_meta_data": {"name": LONG}}, id=ann.user.id))
    assert [await ann.look(), await ann.look()] == [{"name": LONG}] * 2
    assert ann.made == 2, "a long document is not kept"
    monkeypatch.setattr(known, "_MOST", 2)
    people = [await signed_up(ann.identity, f"{number}@example.com") for number in range(5)]
    for each in people:
        await ann.look(caller(each.user, each.session))
    assert len(ann.identity.profile.known._seen) <= 2
