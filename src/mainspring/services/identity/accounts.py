"""Accounts as rows: what a new one is, what confirming an address changes, what the audit log says. Pure but for the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from mainspring.datatypes import format_utc
from mainspring.errors import BodyInvalid
from mainspring.services.identity.addresses import EMAIL, KINDS, Address
from mainspring.services.identity.people import Asker, User, now
from mainspring.services.identity.store import Step, Store

Row = dict[str, Any]
MOST_DATA: Final = 5_120
"""Bytes that one of a user's two documents may have as JSON: both are in every token, and tokens are bounded."""


def fitting(data: Mapping[str, Any]) -> dict[str, Any]:
    """A document of a user's. Raises BodyInvalid where no token could hold it."""
    if len(msgspec.json.encode(data)) > MOST_DATA:
        raise BodyInvalid(f"A user's metadata is part of every token and cannot be larger than {MOST_DATA} bytes")
    return dict(data)


def merged(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """`new` over `old`; what is null there goes. Raises BodyInvalid where no token could hold it."""
    return fitting({name: value for name, value in {**(old or {}), **new}.items() if value is not None})


def stamp() -> str:
    """The current moment as tables hold it."""
    return format_utc(now())


def user_row(
    *, aud: str, email: str | None = None, phone: str | None = None, data: Mapping[str, Any] | None = None, **more: Any
) -> Row:
    """A new user, known by an e-mail address or a phone number, or anonymous without either. `more` wins."""
    at = stamp()
    providers = [kind for kind, said in (("email", email), ("phone", phone)) if said]
    row: Row = {
        "id": str(uuid4()),
        "aud": aud,
        "role": "authenticated",
        "email": email,
        "phone": phone,
        "raw_app_meta_data": {"provider": providers[0], "providers": providers} if providers else {},
        "raw_user_meta_data": fitting(data or {}),
        "is_anonymous": not providers,
        "created_at": at,
        "updated_at": at,
    }
    return row | more


def identity_row(user: str, address: Address, data: Mapping[str, Any] | None = None, *, verified: bool = False) -> Row:
    """The identity of somebody who signs in with an address."""
    at, kind = stamp(), address.kind
    said = {"sub": user, kind: address.text, "email_verified": False, "phone_verified": False, f"{kind}_verified": verified}
    return {
        "id": str(uuid4()),
        "user_id": user,
        "provider": kind,
        "provider_id": user,
        "identity_data": {**(data or {}), **said},
        "email": address.text if kind == EMAIL else None,
        "last_sign_in_at": at,
        "created_at": at,
        "updated_at": at,
    }


def change(store: Store, user: User, changes: Mapping[str, Any]) -> Step:
    """The step that changes a user, refused (NotSingular) when somebody else has changed them since they were read."""
    seen = {} if user.updated_at is None else {"updated_at": user.updated_at}
    return store.users.update({**changes, "updated_at": stamp()}, id=user.id, **seen)


def identify(store: Store, user: User, address: Address, *, verified: bool = True) -> Step:
    """The step that makes an address the user's identity of its kind."""
    kind = address.kind
    known = next((each for each in user.identities if each.provider == kind), None)
    if known is None:
        return store.identities.insert(identity_row(user.id, address, user.raw_user_meta_data, verified=verified))
    said = {**(known.identity_data or {}), kind: address.text, f"{kind}_verified": verified}
    changes: Row = {"identity_data": said, "updated_at": stamp()} | ({"email": address.text} if kind == EMAIL else {})
    return store.identities.update(changes, id=known.id)


def confirmed(user: User, kind: str = EMAIL) -> Row:
    """What becomes of a user whose address of a kind is confirmed."""
    app = dict(user.raw_app_meta_data or {})
    providers = [*app.get("providers", [])]
    if kind not in providers:
        app |= {"provider": app.get("provider", kind), "providers": [*providers, kind]}
    before = user.email_confirmed_at if kind == EMAIL else user.phone_confirmed_at
    told = {"email_verified": True} if kind == EMAIL else {}
    return {
        f"{kind}_confirmed_at": before or stamp(),
        "is_anonymous": False,
        "raw_app_meta_data": app,
        "raw_user_meta_data": {**(user.raw_user_meta_data or {}), **told},
    }


def doubted(store: Store, user: User) -> tuple[Row, list[Step]]:
    """What becomes of a user whose address nobody had proven when somebody else asks in its name, and the steps of it.

    Neither the password nor an account elsewhere can be believed to be the owner's.
    """
    others = [each for each in user.identities if each.provider not in KINDS]
    changes: Row = {"encrypted_password": None}
    if others:
        own = list(dict.fromkeys(each.provider for each in user.identities if each.provider in KINDS))
        app = {name: value for name, value in (user.raw_app_meta_data or {}).items() if name != "provider"}
        changes["raw_app_meta_data"] = app | {"providers": own} | ({"provider": own[0]} if own else {})
    return changes, [store.identities.clear(id=each.id) for each in others]


def logged(store: Store, action: str, asker: Asker, actor: str, name: str | None, **traits: Any) -> Step:
    """The step that notes an action in the audit log."""
    payload: Row = {"action": action, "actor_id": actor, "actor_username": name or "", "log_type": _LOG_TYPES.get(action, "user")}
    if traits:
        payload["traits"] = traits
    row = {"id": str(uuid4()), "payload": payload, "ip_address": asker.ip, "created_at": stamp()}
    return store.entries.insert(row)


_LOG_TYPES = {
    "login": "account",
    "logout": "account",
    "user_signedup": "team",
    "user_invited": "team",
    "invite_accepted": "account",
    "token_revoked": "token",
    "user_deleted": "team",
    "user_modified": "user",
    "user_recovery_requested": "user",
    "user_confirmation_requested": "user",
    "user_reauthenticate_requested": "user",
}
