"""What programs ask of people, and what people allow them: requests, consents, codes. Knows no wire name.

A request is pending until somebody who is signed in looks at it; from then on it is theirs. It ends approved, with a code that
serves once, or denied.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec

from mainspring.datatypes import format_utc
from mainspring.errors import AuthorizationUnknown, AuthorizationUsed, ConsentUnknown, Contended, NotSingular
from mainspring.services.identity.accounts import logged, stamp
from mainspring.services.identity.oauth_server.clients import Client, Clients
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.people import Asker, User, moment, now
from mainspring.services.identity.sessions import Sessions
from mainspring.services.identity.store import Step, Store
from mainspring.services.identity.tokens.revocations import Revocations

PENDING, CLAIMED, APPROVED, DENIED, USED = "pending", "claimed", "approved", "denied", "used"
_REQUEST_SECONDS: Final = 600
_CODE_SECONDS: Final = 300
_KEPT: Final = timedelta(days=1)
_SWEEP_SECONDS: Final = 600.0
_LETTERS: Final = string.ascii_letters + string.digits


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """A program's request."""

    id: str
    authorization_id: str
    client_id: str
    user_id: str | None = None
    session_id: str | None = None
    redirect_uri: str
    scope: str
    state: str | None = None
    resource: str | None = None
    nonce: str | None = None
    code_challenge: str
    code_challenge_method: str
    status: str
    code_hash: str | None = None
    created_at: str
    expires_at: str

    @property
    def expired(self) -> bool:
        """Whether it, or its code, is too old."""
        return now() > moment(self.expires_at)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a program asks for, checked."""

    redirect_uri: str
    scope: str
    state: str | None
    resource: str | None
    nonce: str | None
    code_challenge: str
    code_challenge_method: str


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has allowed a program."""

    id: str
    user_id: str
    client_id: str
    scopes: str
    granted_at: str


class Grants:
    """Requests and consents."""

    def __init__(self, store: Store, clients: Clients, sessions: Sessions, revocations: Revocations) -> None:
        self._store, self._clients, self._sessions, self._revocations = store, clients, sessions, revocations
        self.rows = store.table("oauth_authorizations", Authorization)
        self._consents = store.table("oauth_consents", Consent)
        self._swept = 0.0

    # ------------------------------------------------------------ requests

    async def ask(self, client: Client, wanted: Wanted) -> str:
        """Keep a request until somebody answers it; its id."""
        at = now()
        row: dict[str, Any] = {
            "id": str(uuid4()),
            "authorization_id": "".join(secrets.choice(_LETTERS) for _ in range(32)),
            "client_id": client.id,
            **msgspec.structs.asdict(wanted),
            "status": PENDING,
            "created_at": format_utc(at),
            "expires_at": format_utc(at + timedelta(seconds=_REQUEST_SECONDS)),
        }
        steps = [self.rows.insert(row)]
        if time.monotonic() - self._swept >= _SWEEP_SECONDS:
            self._swept = time.monotonic()
            steps.append(self.rows.older("expires_at", format_utc(at - _KEPT)))
        await self._store.do(*steps)
        return str(row["authorization_id"])

    async def look(self, id_: str, user: User, asker: Asker) -> tuple[Authorization, Client, str | None]:
        """A request, its program, and a code where the user has allowed as much before. From now on it is the user's.

        Where others could pass for the program, the user is asked each time. Raises AuthorizationUnknown, AuthorizationUsed.
        """
        row = await self._open(id_)
        if row.status == CLAIMED and row.user_id != user.id:
            raise AuthorizationUnknown
        client, code = await self._client(row), None
        if row.status == PENDING:
            row = await self._claim(row, user)
            consent = await self._consents.find(user_id=user.id, client_id=client.id)
            allowed = consent is not None and set(row.scope.split()) <= set(consent.scopes.split())
            if allowed and client.known_at(row.redirect_uri):
                code = await self._approve(row, user, asker, ())
        return row, client, code

    async def answer(self, id_: str, user: User, asker: Asker, *, allow: bool) -> tuple[Authorization, str | None]:
        """The user's answer to a request; the code where they allow it. Raises AuthorizationUnknown, AuthorizationUsed."""
        row = await self._open(id_)
        if row.status != CLAIMED or row.user_id != user.id:
            raise AuthorizationUnknown
        if allow:
            return row, await self._approve(row, user, asker, await self._agreed(row, user))
        await self._settle(row, {"status": DENIED})
        return row, None

    async def _open(self, id_: str) -> Authorization:
        row = await self.rows.find(authorization_id=id_)
        if row is None or row.expired:
            raise AuthorizationUnknown
        if row.status not in (PENDING, CLAIMED):
            raise AuthorizationUsed
        return row

    async def _client(self, row: Authorization) -> Client:
        client = await self._clients.find(row.client_id)
        if client is None:
            raise AuthorizationUnknown
        return client

    async def _claim(self, row: Authorization, user: User) -> Authorization:
        changes = {"user_id": user.id, "status": CLAIMED}
        try:
            await self._store.do(self.rows.update(changes, id=row.id, status=PENDING))
        except NotSingular:  # somebody was first: the same user in another tab, or another one
            again = await self._open(row.authorization_id)
            if again.user_id != user.id:
                raise AuthorizationUnknown from None
            return again
        return msgspec.structs.replace(row, **changes)

    async def _agreed(self, row: Authorization, user: User) -> Sequence[Step]:
        """The step that remembers what is allowed, with what was allowed before."""
        before = await self._consents.find(user_id=user.id, client_id=row.client_id)
        scopes = dict.fromkeys([*(before.scopes.split() if before else ()), *row.scope.split()])
        consent = {
            "id": before.id if before else str(uuid4()),
            "user_id": user.id,
            "client_id": row.client_id,
            "scopes": " ".join(scopes),
            "granted_at": stamp(),
        }
        return (self._consents.insert(consent, over=("user_id", "client_id")),)

    async def _approve(self, row: Authorization, user: User, asker: Asker, also: Sequence[Step]) -> str:
        code = secrets.token_urlsafe(32)
        changes = {
            "status": APPROVED,
            "code_hash": hashed(code),
            "expires_at": format_utc(now() + timedelta(seconds=_CODE_SECONDS)),
        }
        note = logged(self._store, "user_oauth_consented", asker, user.id, user.email, client_id=row.client_id, scope=row.scope)
        await self._settle(row, changes, *also, note)
        return code

    async def _settle(self, row: Authorization, changes: dict[str, Any], *also: Step) -> None:
        try:
            await self._store.do(self.rows.update(changes, id=row.id, status=CLAIMED), *also)
        except NotSingular:
            raise AuthorizationUsed from None

    # ------------------------------------------------------------ consents

    async def consents(self, user: User) -> list[tuple[Consent, Client]]:
        """What a user has allowed, and whom."""
        rows = await self._consents.all(user_id=user.id)
        clients = await self._clients.any_of([row.client_id for row in rows])
        return [(row, clients[row.client_id]) for row in rows if row.client_id in clients]

    async def withdraw(self, user: User, client: str, asker: Asker) -> None:
        """Allow a program nothing any more, and end its sessions. Raises ConsentUnknown."""
        consent = await self._consents.find(user_id=user.id, client_id=client)
        if consent is None:
            raise ConsentUnknown
        ended = await self._store.sessions.all(user_id=user.id, oauth_client_id=client)
        steps = [self._consents.delete(id=consent.id), self._store.sessions.clear(user_id=user.id, oauth_client_id=client)]
        steps += [self.rows.clear(user_id=user.id, client_id=client, status=status) for status in (PENDING, CLAIMED, APPROVED)]
        steps += [self._revocations.mark(session.id) for session in ended]
        note = logged(self._store, "user_oauth_withdrawn", asker, user.id, user.email, client_id=client)
        try:
            await self._sessions.told([*steps, note])
        except NotSingular:
            raise Contended from None
