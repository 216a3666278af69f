"""Whether a token that a program was given is still good (RFC 7662). Other programs' tokens are none, as far as it is told."""

from __future__ import annotations

from mainspring.errors import BodyInvalid, RefreshTokenUnknown
from mainspring.principal import Principal
from mainspring.services.identity.oauth_server.clients import Client
from mainspring.services.identity.people import Session, now
from mainspring.services.identity.sessions import Sessions
from mainspring.services.identity.store import Store
from mainspring.services.identity.tokens.refresh import RefreshTokens


class Introspection:
    """Looks tokens up: what has ended is not good any more, whatever was remembered of it."""

    def __init__(self, store: Store, sessions: Sessions, tokens: RefreshTokens) -> None:
        self._store, self._sessions, self._tokens = store, sessions, tokens

    async def refresh_token(self, client: Client, text: str) -> Session | None:
        """The session that goes on with a refresh token; None where it is none of the program's, or was used, or has ended."""
        try:
            named = self._tokens.read(text)
        except (BodyInvalid, RefreshTokenUnknown):
            return None
        session = await self._session(client, named.session)
        if session is None or session.users is None or session.refresh_token_counter != named.counter:
            return None
        return session if self._sessions.goes_on(session, session.users, now()) else None

    async def access_token(self, client: Client, named: str | None, principal: Principal) -> Session | None:
        """The session that a verified access token names; None where it is none of the program's, or opens nothing any more."""
        session = await self._session(client, named) if named is not None else None
        user = session.users if session is not None else None
        if user is None or user.id != principal.uid or user.deleted_at is not None or user.banned(now()):
            return None
        return session if (principal.claim("iat") or 0) >= user.tokens_valid_from else None

    async def _session(self, client: Client, named: str) -> Session | None:
        found = await self._store.sessions.find(id=named)
        return found if found is not None and found.oauth_client_id == client.id else None
