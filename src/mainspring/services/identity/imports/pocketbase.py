"""What PocketBase says of somebody, by the names of GoTrue's columns. Pure.

Ids there are words of fifteen letters: here they become UUIDs that follow from them, and the old one is kept as `pocketbase_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from mainspring.services.identity.imports.records import Record, parsed

_IDS: Final = UUID("6d61696e-7370-5269-8e67-706f636b6574")


def identifier(collection: str, word: str) -> str:
    """The id here of who has the id `word` in a collection there."""
    return str(uuid5(_IDS, f"{collection}/{word}"))


def record(collection: str, word: str, text: str | None) -> Record:
    """The record of somebody, out of what the file says."""
    found = parsed(f"user {word}", text)
    return found if found.problem else Record(found.place, _said(identifier(collection, word), found.said))


def _said(user: str, told: Mapping[str, Any]) -> dict[str, Any]:
    email, verified = told.get("email"), bool(told.get("verified"))
    accounts = [
        {"provider": each["provider"], "provider_id": each["subject"], "identity_data": {"sub": each["subject"]}}
        for each in told["accounts"]
    ]
    own = {"sub": user, "email": email, "email_verified": verified}
    identities = [*([{"provider": "email", "provider_id": user, "identity_data": own}] if email else []), *accounts]
    providers = [each["provider"] for each in identities]
    app = {"pocketbase_id": told["id"], "providers": providers, **({"provider": providers[0]} if providers else {})}
    return {
        "id": user,
        "email": email,
        "encrypted_password": told.get("password"),
        "email_confirmed_at": told.get("created") if verified else None,
        "raw_app_meta_data": app,
        "raw_user_meta_data": {"name": told["name"]} if told.get("name") else {},
        "created_at": told.get("created"),
        "updated_at": told.get("updated"),
        "identities": identities,
    }
