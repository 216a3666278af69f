"""What programs are given for a code and for a refresh token, and what they may know of a person. Knows no wire name."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mainspring.errors import GrantInvalid, NotSingular, ScopeInvalid, UserBanned
from mainspring.services.identity.accounts import logged
from mainspring.services.identity.flows.sign_in import fits
from mainspring.services.identity.keys.keys import KeySet
from mainspring.services.identity.oauth_server.clients import Client
from mainspring.services.identity.oauth_server.grants import APPROVED, USED, Authorization, Grants
from mainspring.services.identity.oauth_server.scopes import EMAIL, OPENID, PHONE, PROFILE, scopes_of
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.people import Asker, Granted, User, moment, now
from mainspring.services.identity.refreshing import Refreshing
from mainspring.services.identity.sessions import ATTEMPTS, Sessions
from mainspring.services.identity.store import Step, Store
from mainspring.services.identity.tokens.revocations import Revocations

METHOD: Final = "oauth_provider/authorization_code"
ID_TOKEN_SECONDS: Final = 3600


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """With what a program asks for tokens."""

    code: str
    verifier: str
    redirect_uri: str | None = None
    resource: str | None = None


class OAuthTokens:
    """Issues them. `issuer` is who signs."""

    def __init__(
        self,
        store: Store,
        grants: Grants,
        sessions: Sessions,
        refreshing: Refreshing,
        revocations: Revocations,
        keys: KeySet,
        issuer: str,
    ) -> None:
        self._store, self._grants, self._sessions, self._refreshing = store, grants, sessions, refreshing
        self._revocations, self._keys, self._issuer = revocations, keys, issuer

    async def exchange(self, client: Client, asked: Exchange, asker: Asker) -> tuple[Granted, str | None]:
        """Tokens for a code, and an id token where `openid` was allowed. A code serves once: used again, its tokens end.

        Raises GrantInvalid, UserBanned.
        """
        for _ in range(ATTEMPTS):
            row = await self._grants.rows.find(code_hash=hashed(asked.code))
            if row is None:
                raise GrantInvalid("Invalid authorization code")
            if row.status == USED:
                await self._end(row)
                raise GrantInvalid("Invalid authorization code")
            self._check(row, client, asked)
            user = await self._store.users.find(id=row.user_id)
            if user is None or user.deleted_at is not None:
                raise GrantInvalid("User not found for authorization code")
            if user.banned(now()):
                raise UserBanned
            try:
                return await self._issue(row, client, user, asker)
            except NotSingular:  # somebody else was first, or the user has changed meanwhile
                continue
        raise GrantInvalid("Invalid authorization code")

    def _check(self, row: Authorization, client: Client, asked: Exchange) -> None:
        if row.status != APPROVED or row.expired:
            raise GrantInvalid("Authorization code has expired")
        if row.client_id != client.id:
            raise GrantInvalid("Authorization code was not issued for this client")
        if asked.resource and asked.resource != row.resource:
            raise GrantInvalid("Authorization code resource does not match the resource parameter")
        if asked.redirect_uri and asked.redirect_uri != row.redirect_uri:
            raise GrantInvalid("Invalid redirect_uri")
        if not asked.verifier or not fits(asked.verifier, row.code_challenge, row.code_challenge_method):
            raise GrantInvalid("PKCE verification failed")

    async def _issue(self, row: Authorization, client: Client, user: User, asker: Asker) -> tuple[Granted, str | None]:
        granted, steps = await self._sessions.begin(user, METHOD, asker, client=client.id, scope=row.scope)
        used = self._grants.rows.update({"status": USED, "session_id": granted.session.id}, id=row.id, status=APPROVED)
        note = logged(self._store, "login", asker, user.id, user.email, provider_type=METHOD, client_id=client.id)
        await self._sessions.told([used, *steps, note])
        return granted, self._id_token(row, user)

    async def _end(self, row: Authorization) -> None:
        """Somebody else holds the code as well: what was issued for it ends."""
        if row.session_id is not None:
            await self._sessions.told(self._ending(row.session_id))

    def _ending(self, session: str) -> list[Step]:
        return [self._store.sessions.clear(id=session), self._revocations.mark(session)]

    async def revoke(self, client: Client, session: str, asker: Asker) -> None:
        """End a program's session, with its refresh token and its access tokens; what was allowed stays. Raises GrantInvalid."""
        found = await self._store.sessions.find(id=session)
        if found is None:
            return
        if found.oauth_client_id != client.id:
            raise GrantInvalid("The token was not issued to this client")
        note = logged(self._store, "token_revoked", asker, found.user_id, client.client_name, client_id=client.id)
        await self._sessions.told([*self._ending(session), note])

    async def refresh(self, client: Client, token: str, scope: str | None, asker: Asker) -> Granted:
        """New tokens for a refresh token, with all that was allowed or less. Raises what Refreshing does, ScopeInvalid."""
        granted = await self._refreshing.refresh(token, asker, client=client.id)
        had = scopes_of(granted.session.scopes or "")
        may = [each for each in had if each in client.allowed]
        wanted = may if scope is None else scopes_of(scope)
        if not set(wanted) <= set(may):
            raise ScopeInvalid
        if set(wanted) == set(had):
            return granted
        return await self._sessions.grant(granted.user, msgspec.structs.replace(granted.session, scopes=" ".join(wanted)))

    def _id_token(self, row: Authorization, user: User) -> str | None:
        """Who has signed in, for the program alone: its audience is no one else, so that it opens nothing here."""
        if OPENID not in row.scope.split():
            return None
        at = int(now().timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": user.id,
            "aud": row.client_id,
            "iat": at,
            "exp": at + ID_TOKEN_SECONDS,
            "auth_time": int(moment(user.last_sign_in_at).timestamp()) if user.last_sign_in_at else at,
            "client_id": row.client_id,
        }
        if row.nonce:
            claims["nonce"] = row.nonce
        told = known(user, row.scope)
        told.pop("user_metadata", None)
        if PHONE in row.scope.split():
            told |= {"phone_number": user.phone or "", "phone_number_verified": user.phone_confirmed_at is not None}
            told.pop("phone", None)
            told.pop("phone_verified", None)
        return self._keys.current.sign({**told, **claims})


def known(user: User, scope: str) -> dict[str, Any]:
    """What a program with a scope may know of a person."""
    scopes, told = scope.split(), dict[str, Any]()
    if EMAIL in scopes:
        told |= {"email": user.email or None, "email_verified": user.email_confirmed_at is not None}
    if PHONE in scopes:
        told |= {"phone": user.phone or None, "phone_verified": user.phone_confirmed_at is not None}
    if PROFILE in scopes:
        data = user.raw_user_meta_data or {}
        told |= {
            "name": _text(data, "name") or user.email or None,
            "picture": _text(data, "picture", "avatar_url"),
            "preferred_username": _text(data, "preferred_username", "username"),
            "updated_at": int(moment(user.updated_at or user.created_at).timestamp()),
            "user_metadata": data,
        }
    return {name: value for name, value in told.items() if value is not None}


def _text(data: dict[str, Any], *names: str) -> str | None:
    return next((data[name] for name in names if isinstance(data.get(name), str) and data[name]), None)
