"""Refreshing: a session goes on with new tokens, and one whose tokens were stolen ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from mainspring.datatypes import format_utc
from mainspring.errors import BodyInvalid, ClientMismatch, Contended, NotSingular, RefreshTokenReused, SessionUnknown
from mainspring.query.ast import And, Column, Compare, Exists, Is, Slot, TableName
from mainspring.services.identity.hooks import Hooks
from mainspring.services.identity.people import Asker, Granted, Session, User, moment, now
from mainspring.services.identity.sessions import ATTEMPTS, Sessions
from mainspring.services.identity.store import Store
from mainspring.services.identity.tokens.refresh import Named, RefreshTokens
from mainspring.services.identity.tokens.revocations import Revocations
from mainspring.settings import AuthSettings

CONCURRENT, UNSAVED = "concurrent-refresh", "fail-to-save"
"""Why a client may come with a token that has been used: others refreshed at once, or the answer was lost."""

_GOES_ON: Final = And(
    (
        Compare("eq", Column("id"), Slot(1)),
        Compare("eq", Column("refresh_token_counter"), Slot(2)),
        Is(Column("oauth_client_id"), "null"),
        Is(Column("not_after"), "null"),
        Exists(
            TableName("auth", "users"),
            And(
                (
                    Compare("eq", Column("id", scope=1), Column("user_id")),
                    Is(Column("banned_until", scope=1), "null"),
                    Is(Column("deleted_at", scope=1), "null"),
                )
            ),
            1,
        ),
    )
)
"""A session (its id) whose active token (its number) may be used by the person it belongs to, as nearly all are."""


class Refreshing:
    """How refresh tokens rotate."""

    def __init__(
        self,
        sessions: Sessions,
        store: Store,
        tokens: RefreshTokens,
        revocations: Revocations,
        auth: AuthSettings,
        hooks: Hooks,
    ) -> None:
        self._sessions, self._store, self._tokens = sessions, store, tokens
        self._revocations, self._auth, self._hooks = revocations, auth, hooks

    async def refresh(self, text: str, asker: Asker, client: str | None = None) -> Granted:
        """New tokens for a refresh token. Those that a program was given serve that program (its `client` id) and nobody else.

        The active one is used up: its session goes on to the next number. The one before it answers the active one, whenever it
        comes, since its answer may have been lost; older ones do so for a while. After that the session ends. None of that holds
        for tokens from before a second factor was proved: they answer nothing.
        Each use is one conditional statement, so whoever loses a race finds what the winner left and is answered that.
        """
        named = self._tokens.read(text)
        if client is None and (granted := await self._go_on(named, asker)) is not None:
            return granted
        for _ in range(ATTEMPTS):
            session = await self._store.sessions.find(id=named.session)
            if session is None or session.users is None:
                raise SessionUnknown(refreshing=True)
            if session.oauth_client_id != client:
                raise ClientMismatch
            at = now()
            self._sessions.demand(session, session.users, at)
            active = session.refresh_token_counter
            if named.counter > active:  # the database is older than the token: it comes from a backup
                raise BodyInvalid("Invalid Refresh Token: Not Issued By This Server")
            if named.counter < (session.refresh_token_floor or 0):
                if not self._recent(session, at):
                    await self._end_reused(session)
                raise RefreshTokenReused
            if named.counter == active:
                try:
                    return await self._rotate(session, session.users, asker, at)
                except NotSingular:
                    continue
            if causes := self._excuses(named.counter, session, at):
                return replace(await self._sessions.grant(session.users, session), reused=causes)
            await self._end_reused(session)
            raise RefreshTokenReused
        raise Contended

    async def _go_on(self, named: Named, asker: Asker) -> Granted | None:
        """New tokens in one statement; None where something stands in the way, or may."""
        if self._bounded or self._hooks.claims_set:
            return None
        changes = _used(named.counter, asker, now())
        session = await self._store.sessions.change(changes, _GOES_ON, [named.session, named.counter])
        if session is None or session.users is None:
            return None
        return replace(await self._sessions.grant(session.users, session), reused=())

    @property
    def _bounded(self) -> bool:
        """Whether sessions end by themselves."""
        return bool(self._auth.session_seconds or self._auth.session_idle_seconds or self._auth.session_low_aal_seconds)

    async def _rotate(self, session: Session, user: User, asker: Asker, at: datetime) -> Granted:
        changes = _used(session.refresh_token_counter, asker, at)
        expected = {"id": session.id, "refresh_token_counter": session.refresh_token_counter}
        granted = await self._sessions.grant(user, replace(session, **changes))
        await self._store.do(self._store.sessions.update(changes, **expected))
        return replace(granted, reused=())

    def _excuses(self, used: int, session: Session, at: datetime) -> tuple[str, ...]:
        """Why a token that has been used may be answered once more; nothing where it may not.

        A program that has lost an answer must ask again soon: OAuth has a token that was used end what it was given for.
        """
        unsaved = used == session.refresh_token_counter - 1 and session.oauth_client_id is None
        causes = {CONCURRENT: self._recent(session, at), UNSAVED: unsaved}
        return tuple(cause for cause, holds in causes.items() if holds)

    def _recent(self, session: Session, at: datetime) -> bool:
        interval = timedelta(seconds=self._auth.refresh_reuse_seconds)
        return session.refreshed_at is not None and at - moment(session.refreshed_at) <= interval

    async def _end_reused(self, session: Session) -> None:
        """Somebody holds a token that was used long ago: who of the two is the thief cannot be told."""
        await self._sessions.told([self._store.sessions.clear(id=session.id), self._revocations.mark(session.id)])


def _used(counter: int, asker: Asker, at: datetime) -> dict[str, Any]:
    """What changes in a session when its active token, which has the number `counter`, is used."""
    return {
        "refresh_token_counter": counter + 1,
        "refreshed_at": format_utc(at),
        "updated_at": format_utc(at),
        "user_agent": asker.user_agent,
        "ip": asker.ip,
    }
