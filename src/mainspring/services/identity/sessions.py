"""Sessions: how they begin, what they are granted, how they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import replace

from mainspring.datatypes import format_utc
from mainspring.errors import Contended, NotSingular, SessionExpired, UserBanned
from mainspring.services.identity.hooks import Claims, Hooks
from mainspring.services.identity.keys.keys import KeySet
from mainspring.services.identity.people import AAL1, Asker, Granted, Session, User, moment, now
from mainspring.services.identity.store import Step, Store
from mainspring.services.identity.tokens.refresh import RefreshTokens
from mainspring.services.identity.tokens.revocations import Revocations
from mainspring.settings import AuthSettings

ATTEMPTS: Final = 25
GLOBAL, LOCAL, OTHERS = SCOPES = ("global", "local", "others")


class Sessions:
    """What a session may do while it lasts. `issuer` is who signs its tokens."""

    def __init__(
        self,
        store: Store,
        tokens: RefreshTokens,
        keys: KeySet,
        revocations: Revocations,
        auth: AuthSettings,
        issuer: str,
        hooks: Hooks,
    ) -> None:
        self._store, self._tokens, self._keys, self._revocations = store, tokens, keys, revocations
        self._auth, self._issuer, self._hooks = auth, issuer, hooks

    # ------------------------------------------------------------ beginning

    async def begin(
        self, user: User, method: str, asker: Asker, *, client: str | None = None, scope: str | None = None
    ) -> tuple[Granted, list[Step]]:
        """A new session and the steps that make it one. What is granted must not leave before they are done.

        One that a program is given (its `client` id, the `scope` it was allowed) leaves the user's own alone.

        Raises what the application refuses.
        """
        at = now()
        row: dict[str, Any] = {
            "id": str(uuid4()),
            "user_id": user.id,
            "aal": AAL1,
            "amr": [{"method": method, "timestamp": int(at.timestamp())}],
            "refresh_token_counter": 0,
            "user_agent": asker.user_agent,
            "ip": asker.ip,
            "created_at": format_utc(at),
            "updated_at": format_utc(at),
            "oauth_client_id": client,
            "scopes": scope,
        }
        steps = [self._store.sessions.insert(row)]
        if self._auth.single_session and client is None:
            steps += [*await self._supersede(user, at), *self.refuse_tokens(user, but=row["id"])]
            user = replace(user, tokens_valid_from=cut(user))
        return await self.grant(user, Session(**row), method), steps

    async def _supersede(self, user: User, at: datetime) -> list[Step]:
        """The steps by which a newer session takes the place of the user's others.

        Those are kept until the one after, so that whoever refreshes one is told why it has ended.
        """
        steps: list[Step] = []
        for session in await self._store.sessions.all(user_id=user.id):
            if session.oauth_client_id is None and session.not_after is not None:
                steps.append(self._store.sessions.delete(id=session.id))
            elif session.oauth_client_id is None:
                steps.append(self._store.sessions.update({"not_after": format_utc(at)}, id=session.id))
        return steps

    async def grant(self, user: User, session: Session, method: str = "token_refresh") -> Granted:
        """The tokens of a session as it is, asked for by a `method`. Raises what the application refuses."""
        issued = max(int(now().timestamp()), user.tokens_valid_from)
        expires = issued + self._auth.token_seconds
        claims: Claims = {
            "iss": self._issuer,
            "sub": user.id,
            "aud": user.aud or self._auth.audience,
            "exp": expires,
            "iat": issued,
            "email": user.email or "",
            "phone": user.phone or "",
            "app_metadata": user.raw_app_meta_data or {},
            "user_metadata": user.raw_user_meta_data or {},
            "role": user.role or "authenticated",
            "aal": session.aal,
            "amr": session.amr,
            "session_id": session.id,
            "is_anonymous": user.is_anonymous,
        }
        if session.oauth_client_id is not None:
            claims |= _program(session)
        if self._hooks.claims_set:
            claims = await self._hooks.custom_claims(user, claims, method, Asker(session.ip or ""))
            if session.oauth_client_id is not None:  # whatever the hook says, a program's token is one
                claims |= _program(session)
        refresh = self._tokens.write(session.id, session.refresh_token_counter)
        return Granted(self._keys.sign(claims), refresh, expires, self._auth.token_seconds, user, session)

    # ------------------------------------------------------------ going on

    def goes_on(self, session: Session, user: User, at: datetime) -> bool:
        """Whether a session may be refreshed at a moment."""
        try:
            self.demand(session, user, at)
        except (UserBanned, SessionExpired):
            return False
        return True

    def demand(self, session: Session, user: User, at: datetime) -> None:
        """Return when the session may go on. Raises UserBanned, SessionExpired."""
        if user.banned(at) or user.deleted_at is not None:
            raise UserBanned
        if session.ended(at):
            raise SessionExpired("Revoked by Newer Login" if self._auth.single_session else "")
        age = (at - moment(session.created_at)).total_seconds()
        if self._auth.session_seconds and age > self._auth.session_seconds:
            raise SessionExpired
        rest = (at - moment(session.refreshed_at or session.created_at)).total_seconds()
        if self._auth.session_idle_seconds and rest > self._auth.session_idle_seconds:
            raise SessionExpired("Inactivity")
        low = self._auth.session_low_aal_seconds
        if low and age > low and session.aal == AAL1 and session.oauth_client_id is None and user.protected:
            raise SessionExpired("Low AAL: User Needs MFA Verification")

    # ------------------------------------------------------------ ending

    def end_all(self, user: User, but: str | None = None) -> list[Step]:
        """The steps that end every session of a user (but one), with all tokens that were issued to them until now."""
        return [self._store.sessions.clear(user_id=user.id, but=but), *self.refuse_tokens(user, but)]

    async def end_lesser(self, user: User, but: str) -> list[Step]:
        """The steps that end the sessions of a user (but one) in which no second factor was proved.

        Those of programs are let be: nobody proves anything in them, and they may do little.
        """
        found = await self._store.sessions.all(user_id=user.id, aal=AAL1)
        lesser = [each.id for each in found if each.id != but and each.oauth_client_id is None]
        return [self._store.sessions.clear_any("id", lesser), self._revocations.mark_all(lesser)] if lesser else []

    def refuse_tokens(self, user: User, but: str | None = None) -> list[Step]:
        """The steps that make the sessions of a user (but one) get a new token, because what it says has changed.

        They are refused (NotSingular) when somebody else has done the same since the user was read.
        """
        end = cut(user)
        changed = self._store.users.update({"tokens_valid_from": end}, id=user.id, tokens_valid_from=user.tokens_valid_from)
        return [changed, self._revocations.mark(user.id, end, but)]

    async def end(self, uid: str, session: str | None, scope: str, *also: Step) -> None:
        """Sign out: this session, the others, or all of them."""
        if scope == LOCAL and session is not None:
            ended = self._store.sessions.clear(id=session, user_id=uid)
            await self.told([ended, self._revocations.mark(session), *also])
            return None
        for _ in range(ATTEMPTS):
            user = await self._store.users.find(id=uid)
            if user is None:
                return None
            try:
                return await self.told([*self.end_all(user, session if scope == OTHERS else None), *also])
            except NotSingular:
                continue
        raise Contended

    async def end_of(self, text: str) -> None:
        """Sign out where a refresh token was given, whichever of its session's. Raises RefreshTokenUnknown, BodyInvalid."""
        session = self.named(text)
        await self.told([self._store.sessions.clear(id=session), self._revocations.mark(session)])

    def named(self, text: str) -> str:
        """The session of a refresh token. Raises RefreshTokenUnknown, BodyInvalid."""
        return self._tokens.read(text).session

    async def told(self, steps: Sequence[Step]) -> None:
        """Carry out steps; where some of them revoke something, let this worker know at once."""
        await self._store.do(*steps)
        if any(self._revocations.marks(step) for step in steps):
            await self._revocations.refresh()


def _program(session: Session) -> Claims:
    """What the tokens of a program say more."""
    return {"client_id": session.oauth_client_id, "scope": session.scopes or ""}


def cut(user: User) -> int:
    """The second from which on a user's new tokens count as issued later than those they have. Seconds are what tokens tell."""
    return max(int(now().timestamp()), user.tokens_valid_from) + 1
