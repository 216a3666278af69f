"""Who somebody will be here: the rows of their account, out of a record. Pure but for the clock.

Ids, hashes, moments, documents and identities stay as they were; what was under way (codes, changes of addresses) does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import msgspec

from mainspring.errors import AddressInvalid, BodyInvalid, WalletMessageInvalid
from mainspring.services.identity.accounts import MOST_DATA, Row, identity_row, stamp, user_row
from mainspring.services.identity.addresses import EMAIL, KINDS, Address
from mainspring.services.identity.imports.proofs import Proofs, proofs
from mainspring.services.identity.imports.records import Record, Unfit, Values
from mainspring.services.identity.wallets.sign_in import ETHEREUM
from mainspring.services.identity.wallets.sign_in import PROVIDER as WEB3

_MOMENTS: Final = ("invited_at", "confirmation_sent_at", "recovery_sent_at", "last_sign_in_at", "banned_until", "deleted_at")
COLUMNS: Final = frozenset(
    (
        *("id", "email", "phone", "encrypted_password", "email_confirmed_at", "phone_confirmed_at", "confirmed_at", *_MOMENTS),
        *("raw_app_meta_data", "raw_user_meta_data", "role", "is_sso_user", "is_anonymous", "created_at", "updated_at"),
        *("identities", "mfa_factors", "webauthn_credentials"),
    )
)
"""What is read of a record."""
PASSED_OVER: Final = frozenset(
    (
        *("instance_id", "aud", "is_super_admin", "confirmation_token", "recovery_token"),
        *("email_change", "email_change_token_new", "email_change_token_current", "email_change_sent_at"),
        *("email_change_confirm_status", "phone_change", "phone_change_token", "phone_change_sent_at"),
        *("reauthentication_token", "reauthentication_sent_at"),
    )
)
"""Other columns of GoTrue's: what is under way there, or says nothing here."""
_WALLET: Final = f"{WEB3}:{ETHEREUM}:"
_MOST_IDENTITY: Final = 1 << 16


class Person(msgspec.Struct, frozen=True):
    """The rows of somebody, and where they were found."""

    place: str
    user: Row
    identities: list[Row]
    proofs: Proofs


class Here(msgspec.Struct, frozen=True):
    """What this server adds: to whom its tokens speak, which hashes it can check, how it keeps secrets."""

    audience: str
    accept: Callable[[str], str]
    seal: Callable[[str, str], str]
    """The secret of an authenticator app, for the factor with an id."""


def person(record: Record, here: Here) -> Person:
    """Who a record speaks of. Raises Unfit, NotSupported where a library is missing."""
    if record.problem:
        raise Unfit(record.problem)
    said = Values(record.said)
    user = _user(said, here)
    if user["deleted_at"]:  # the id remains, since rows may name it
        return Person(record.place, {**user, **_FORGOTTEN}, [], Proofs())
    found = _identities(user["id"], said) or _own_identities(user)
    if user["raw_app_meta_data"] is None:
        named = list(dict.fromkeys(each["provider"] for each in found))
        user["raw_app_meta_data"] = {"provider": named[0], "providers": named} if named else {}
    return Person(record.place, user, found, proofs(user["id"], said, here.seal))


_FORGOTTEN: Final[Row] = {
    "email": None,
    "phone": None,
    "encrypted_password": None,
    "email_confirmed_at": None,
    "phone_confirmed_at": None,
    "raw_app_meta_data": {},
    "raw_user_meta_data": {},
}


def _user(said: Values, here: Here) -> Row:
    """The row of the user; without a document of the app where none is said."""
    created, user = said.moment("created_at") or stamp(), said.uuid("id")
    gone = said.moment("deleted_at") is not None
    addresses = {} if gone else {kind: _address(said, kind) for kind in KINDS}
    confirmed = {f"{kind}_confirmed_at": _confirmed(said, kind) if addresses.get(kind) else None for kind in KINDS}
    row = user_row(aud=here.audience, data=said.document("raw_user_meta_data", MOST_DATA), **addresses)
    return {
        **row,
        **confirmed,
        **{name: said.moment(name) for name in _MOMENTS},
        "id": user,
        "role": said.text("role") or row["role"],
        "encrypted_password": None if gone else _hash(said, here),
        "raw_app_meta_data": said.document("raw_app_meta_data", MOST_DATA),
        "is_anonymous": said.flag("is_anonymous"),
        "is_sso_user": said.flag("is_sso_user"),
        "created_at": created,
        "updated_at": said.moment("updated_at") or created,
    }


def _address(said: Values, kind: str) -> str | None:
    text = said.text(kind)
    try:
        return Address(kind, text).proper().text if text else None
    except AddressInvalid:
        raise Unfit(f"{kind} is no address") from None


def _confirmed(said: Values, kind: str) -> str | None:
    """When an address was confirmed. Before 2021 GoTrue knew of e-mail only."""
    return said.moment("confirmed_at" if kind == EMAIL and "email_confirmed_at" not in said else f"{kind}_confirmed_at")


def _hash(said: Values, here: Here) -> str | None:
    kept = said.text("encrypted_password", 1024)
    try:
        return here.accept(kept) if kept else None
    except BodyInvalid as error:
        raise Unfit(f"encrypted_password: {error.message}") from None


def _identities(user: str, said: Values) -> list[Row]:
    found = said.items("identities")
    try:
        return [_identity(user, each) for each in found]
    except Unfit as error:
        raise Unfit(f"identities: {error}") from None


def _identity(user: str, said: Values) -> Row:
    """A way in which they sign in. Before 2023 GoTrue called `id` what is `provider_id` now."""
    data = said.document("identity_data", _MOST_IDENTITY) or {}
    current, address = said.said("provider_id"), data.get("email")
    created = said.moment("created_at") or stamp()
    return {
        "id": said.uuid("id") if current and said.said("id") else str(uuid4()),
        "user_id": user,
        "provider": said.needed("provider"),
        "provider_id": _subject(said.needed("provider_id" if current else "id")),
        "identity_data": data,
        "email": address.lower() if isinstance(address, str) and address else None,
        "last_sign_in_at": said.moment("last_sign_in_at"),
        "created_at": created,
        "updated_at": said.moment("updated_at") or created,
    }


def _subject(text: str) -> str:
    """The id at a provider. GoTrue keeps an Ethereum address as the wallet wrote it, and here there is one way to (EIP-55)."""
    address = text.removeprefix(_WALLET)
    if address == text:
        return text
    try:
        from mainspring.services.identity.wallets.ethereum import check_form, checksummed
    except ImportError:
        raise Unfit("a wallet of Ethereum needs pip install 'mainspring[web3]'") from None
    try:
        check_form(address, "1")
    except WalletMessageInvalid:
        raise Unfit("provider_id is no address of Ethereum") from None
    return _WALLET + checksummed(address[2:].lower())


def _own_identities(user: Row) -> list[Row]:
    """Those of somebody of whom none are said: their addresses."""
    moments: dict[str, Any] = {name: user[name] for name in ("created_at", "updated_at", "last_sign_in_at")}
    return [
        identity_row(user["id"], Address(kind, user[kind]), verified=user[f"{kind}_confirmed_at"] is not None) | moments
        for kind in KINDS
        if user[kind] and not user["is_sso_user"]
    ]
