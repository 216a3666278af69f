"""Accounts as rows: what a new one is, what confirming an address changes, what the audit log says. Pure but for the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from mainspring.datatypes import format_utc
from mainspring.services.identity.people import Asker, User, now
from mainspring.services.identity.store import Step, Store

Row = dict[str, Any]


def stamp() -> str:
    """The current moment as tables hold it."""
    return format_utc(now())


def user_row(*, aud: str, email: str | None = None, data: Mapping[str, Any] | None = None, **more: Any) -> Row:
    """A new user, signed up by e-mail, or anonymous without one. `more` wins."""
    at = stamp()
    providers = {"provider": "email", "providers": ["email"]} if email else {}
    row: Row = {
        "id": str(uuid4()),
        "aud": aud,
        "role": "authenticated",
        "email": email,
        "raw_app_meta_data": providers,
        "raw_user_meta_data": dict(data or {}),
        "is_anonymous": email is None,
        "created_at": at,
        "updated_at": at,
    }
    return row | more


def identity_row(user: str, email: str, data: Mapping[str, Any] | None = None, *, verified: bool = False) -> Row:
    """The identity of somebody who signs in by e-mail."""
    at = stamp()
    said = {"sub": user, "email": email, "email_verified": verified, "phone_verified": False}
    return {
        "id": str(uuid4()),
        "user_id": user,
        "provider": "email",
        "provider_id": user,
        "identity_data": {**(data or {}), **said},
        "email": email,
        "last_sign_in_at": at,
        "created_at": at,
        "updated_at": at,
    }


def change(store: Store, user: User, changes: Mapping[str, Any]) -> Step:
    """The step that changes a user, refused (NotSingular) when somebody else has changed them since they were read."""
    seen = {} if user.updated_at is None else {"updated_at": user.updated_at}
    return store.users.update({**changes, "updated_at": stamp()}, id=user.id, **seen)


def identify(store: Store, user: User, email: str) -> Step:
    """The step that makes a confirmed address the user's identity by e-mail."""
    known = next((each for each in user.identities if each.provider == "email"), None)
    if known is None:
        return store.identities.insert(identity_row(user.id, email, user.raw_user_meta_data, verified=True))
    said = {**(known.identity_data or {}), "email": email, "email_verified": True}
    return store.identities.update({"email": email, "identity_data": said, "updated_at": stamp()}, id=known.id)


def confirmed(user: User) -> Row:
    """What becomes of a user whose e-mail address is confirmed."""
    app = dict(user.raw_app_meta_data or {})
    providers = [*app.get("providers", [])]
    if "email" not in providers:
        app |= {"provider": app.get("provider", "email"), "providers": [*providers, "email"]}
    return {
        "email_confirmed_at": user.email_confirmed_at or stamp(),
        "is_anonymous": False,
        "raw_app_meta_data": app,
        "raw_user_meta_data": {**(user.raw_user_meta_data or {}), "email_verified": True},
    }


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
    "user_deleted": "team",
    "user_modified": "user",
    "user_recovery_requested": "user",
    "user_confirmation_requested": "user",
    "user_reauthenticate_requested": "user",
}
