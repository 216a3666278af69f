"""Programs that people sign in to with their account here: registered, recognised, changed, removed. Knows no wire name."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from mainspring.errors import BodyInvalid, ClientUnknown, NotSingular
from mainspring.query.ast import Column, Order
from mainspring.services.identity.accounts import stamp
from mainspring.services.identity.oauth_server.scopes import SCOPES, unsupported
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.store import Store
from mainspring.services.identity.tokens.revocations import Revocations

BASIC, POST, NONE = METHODS = ("client_secret_basic", "client_secret_post", "none")
"""How a program proves who it is: with its secret in a header, in the body, or not at all (a public one)."""
PUBLIC, CONFIDENTIAL = KINDS = ("public", "confidential")
MANUAL, DYNAMIC = "manual", "dynamic"
"""Who registered a program: somebody with the service key, or the program itself."""
CODE, REFRESH = GRANTS = ("authorization_code", "refresh_token")
MOST_CLIENTS: Final = 10_000
_MOST_REDIRECTS: Final = 10
_LONGEST_NAME, _LONGEST_URI = 1024, 2048
_DANGEROUS: Final = frozenset({"javascript", "data", "file", "vbscript", "about", "blob"})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NO_HASH: Final = "0" * 64


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A program."""

    id: str
    client_secret_hash: str | None = None
    registration_type: str
    client_type: str
    token_endpoint_auth_method: str
    redirect_uris: list[str]
    grant_types: list[str]
    client_name: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    scopes: str | None = None
    created_at: str
    updated_at: str

    @property
    def allowed(self) -> Sequence[str]:
        """The scopes that it may ask for."""
        return SCOPES if self.scopes is None else self.scopes.split()

    def known_at(self, redirect_uri: str) -> bool:
        """Whether nobody but the program gets what is sent there: it has a secret, or the address is one of the web's."""
        scheme, host = _parts(redirect_uri)
        return self.client_type == CONFIDENTIAL or (scheme == "https" and host not in _LOOPBACK)


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a program; None: nothing."""

    redirect_uris: list[str] | None = None
    client_type: str | None = None
    token_endpoint_auth_method: str | None = None
    grant_types: list[str] | None = None
    client_name: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    scopes: str | None = None


class Clients:
    """The programs."""

    def __init__(self, store: Store, revocations: Revocations) -> None:
        self._store, self._revocations, self._rows = store, revocations, store.table("oauth_clients", Client)

    async def find(self, id_: str) -> Client | None:
        """A program, or None."""
        return await self._rows.find(id=id_)

    async def get(self, id_: str) -> Client:
        """A program. Raises ClientUnknown."""
        client = await self.find(id_)
        if client is None:
            raise ClientUnknown
        return client

    async def any_of(self, ids: Sequence[str]) -> dict[str, Client]:
        """Those of `ids` that there are."""
        return {each.id: each for each in await self._rows.any_of("id", ids)} if ids else {}

    async def page(self, number: int, size: int) -> tuple[list[Client], int]:
        """One page (from 1), the newest first, and how many there are."""
        order = [Order(Column("created_at"), True), Order(Column("id"))]
        return await self._rows.page(None, [], order, size, (number - 1) * size)

    async def register(self, said: Registration, by: str) -> tuple[Client, str | None]:
        """A new program, registered `by` itself (DYNAMIC) or by hand (MANUAL), and its secret, if any. Raises BodyInvalid."""
        _check(said)
        if said.redirect_uris is None:
            raise BodyInvalid("redirect_uris is required")
        if (await self.page(1, 1))[1] >= MOST_CLIENTS:
            raise BodyInvalid("there are too many clients already")
        kind, method = _kind(said)
        secret, at = None if kind == PUBLIC else _new_secret(), stamp()
        row: dict[str, Any] = {
            "id": str(uuid4()),
            "client_secret_hash": None if secret is None else hashed(secret),
            "registration_type": by,
            "client_type": kind,
            "token_endpoint_auth_method": method,
            "redirect_uris": said.redirect_uris,
            "grant_types": said.grant_types or list(GRANTS),
            "client_name": said.client_name or None,
            "client_uri": said.client_uri or None,
            "logo_uri": said.logo_uri or None,
            "scopes": said.scopes,
            "created_at": at,
            "updated_at": at,
        }
        await self._store.do(self._rows.insert(row))
        return Client(**row), secret

    async def change(self, id_: str, said: Registration) -> Client:
        """Change a program. Raises ClientUnknown, BodyInvalid."""
        client = await self.get(id_)
        _check(said)
        changes = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not None}
        if changes.pop("client_type", client.client_type) != client.client_type:
            raise BodyInvalid("client_type cannot be changed")
        method = changes.get("token_endpoint_auth_method", client.token_endpoint_auth_method)
        if (method == NONE) is not (client.client_type == PUBLIC):
            raise BodyInvalid(f"token_endpoint_auth_method '{method}' is not valid for client_type '{client.client_type}'")
        if not changes:
            raise BodyInvalid("No fields provided for update")
        return await self._update(client, changes)

    async def renew_secret(self, id_: str) -> tuple[Client, str]:
        """Another secret for a program; the old one is refused from now on. Raises ClientUnknown, BodyInvalid."""
        client = await self.get(id_)
        if client.client_type == PUBLIC:
            raise BodyInvalid("Cannot regenerate secret for public client")
        secret = _new_secret()
        return await self._update(client, {"client_secret_hash": hashed(secret)}), secret

    async def remove(self, id_: str) -> None:
        """Remove a program, with everything that people have allowed it. Raises ClientUnknown."""
        await self.get(id_)
        ended = [self._store.sessions.clear(oauth_client_id=id_), self._revocations.mark(id_)]
        await self._store.do(*ended, self._rows.clear(id=id_))
        await self._revocations.refresh()

    async def _update(self, client: Client, changes: dict[str, Any]) -> Client:
        said = {**changes, "updated_at": stamp()}
        try:
            await self._store.do(self._rows.update(said, id=client.id))
        except NotSingular:
            raise ClientUnknown from None
        return msgspec.structs.replace(client, **said)


def proves(client: Client | None, method: str, secret: str) -> bool:
    """Whether a program is who it says, by `method`. It takes as long for one that there is not."""
    kept = (client.client_secret_hash if client is not None else None) or _NO_HASH
    right = hmac.compare_digest(hashed(secret), kept)
    if client is None or client.token_endpoint_auth_method != method:
        return False
    return not secret if client.client_type == PUBLIC else right


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _kind(said: Registration) -> tuple[str, str]:
    """What kind of program it is, and how it proves who it is."""
    kind = said.client_type or (PUBLIC if said.token_endpoint_auth_method == NONE else CONFIDENTIAL)
    method = said.token_endpoint_auth_method or (NONE if kind == PUBLIC else BASIC)
    if (method == NONE) is not (kind == PUBLIC):
        raise BodyInvalid(f"client_type '{kind}' is inconsistent with token_endpoint_auth_method '{method}'")
    return kind, method


def _check(said: Registration) -> None:
    if said.redirect_uris is not None:
        if not 1 <= len(said.redirect_uris) <= _MOST_REDIRECTS:
            raise BodyInvalid(f"redirect_uris has between 1 and {_MOST_REDIRECTS} items")
        for uri in said.redirect_uris:
            _check_redirect(uri)
    if said.grant_types is not None and (not said.grant_types or not set(said.grant_types) <= set(GRANTS)):
        raise BodyInvalid("grant_types must only contain 'authorization_code' and/or 'refresh_token'")
    if said.client_type not in (None, *KINDS):
        raise BodyInvalid("client_type must be 'public' or 'confidential'")
    if said.token_endpoint_auth_method not in (None, *METHODS):
        raise BodyInvalid(f"token_endpoint_auth_method must be one of: {', '.join(METHODS)}")
    if len(said.client_name or "") > _LONGEST_NAME:
        raise BodyInvalid(f"client_name cannot exceed {_LONGEST_NAME} characters")
    if said.scopes is not None and (not said.scopes.split() or unsupported(said.scopes.split())):
        raise BodyInvalid(f"scope must name some of: {', '.join(SCOPES)}")
    for name, page in (("client_uri", said.client_uri), ("logo_uri", said.logo_uri)):
        if page and (_parts(page)[0] not in ("http", "https") or not _parts(page)[1]):
            raise BodyInvalid(f"{name} must be a valid URL")


def _check_redirect(uri: str) -> None:
    """Where codes may be sent: never in the clear but to this machine, never to what a browser would run."""
    scheme, host = _parts(uri)
    if not scheme or not host or "#" in uri:
        raise BodyInvalid("a redirect_uri has a scheme and a host and no fragment")
    if scheme in _DANGEROUS:
        raise BodyInvalid(f"scheme '{scheme}' is not allowed in a redirect_uri")
    if scheme == "http" and host not in _LOOPBACK:
        raise BodyInvalid("a redirect_uri with http is only allowed for localhost")


def _parts(uri: str) -> tuple[str, str]:
    """Scheme and host, empty for what is no address."""
    if len(uri) > _LONGEST_URI or any(character <= " " or character in '\\<>"' or character > "~" for character in uri):
        return "", ""
    try:
        parts = urlsplit(uri)
        return ("", "") if "@" in parts.netloc else (parts.scheme.lower(), parts.hostname or "")
    except ValueError:
        return "", ""
