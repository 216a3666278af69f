"""What programs get for what people allow them, and give back: tokens. It speaks OAuth's words, errors included."""

from __future__ import annotations

from typing import Any, Final

from mainspring.backends.counters.base import Rate
from mainspring.errors import (
    BodyInvalid,
    GrantInvalid,
    RefreshTokenUnknown,
    RequestError,
    ScopeInvalid,
    SignInError,
    TokenExpired,
    TokenInvalid,
    TooManyRequests,
    UserBanned,
)
from mainspring.http.headers import NO_STORE
from mainspring.principal import Principal
from mainspring.services.identity.oauth_server.clients import BASIC, CODE, GRANTS, PUBLIC, REFRESH, Client, proves
from mainspring.services.identity.oauth_server.tokens import Exchange, known
from mainspring.services.identity.people import Granted
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import FIVE_MINUTES, Answer, Asked, Desk, unkept
from mainspring.surfaces.auth.errors import Refused
from mainspring.surfaces.auth.oauth_parse import Credentials, Mistaken, client_id, credentials, form

_WRONG_SECRETS: Final = 30


class TokenDesk(Desk, frozen=True):
    """The endpoints that only programs ask."""

    async def token(self, asked: Asked) -> Answer:
        """POST /oauth/token."""
        _ = self.oauth_server
        await self.bound(asked, "oauth token", self.auth.rate_token)
        try:
            return await self._tokens(asked)
        except Mistaken as mistake:
            return _refusal(mistake.error, mistake.text, mistake.status)
        except TooManyRequests:
            raise
        except ScopeInvalid as error:
            return _refusal("invalid_scope", error.message)
        except UserBanned as error:
            return _refusal("access_denied", error.message)
        except (SignInError, RequestError) as error:
            return _refusal("invalid_grant", error.message)

    async def _tokens(self, asked: Asked) -> Answer:
        said = form(asked)
        client = await self._proven(asked, credentials(asked, said))
        kind = said.get("grant_type", "")
        if not kind:
            raise Mistaken("invalid_request", "grant_type is required")
        if kind not in GRANTS or kind not in client.grant_types:
            raise Mistaken("unsupported_grant_type", f"Client is not allowed to use grant type: {kind[:50]}")
        if kind == REFRESH:
            if not said.get("refresh_token"):
                raise Mistaken("invalid_request", "refresh_token is required for refresh_token grant")
            tokens = self.oauth_server.tokens
            return _granted(await tokens.refresh(client, said["refresh_token"], said.get("scope") or None, asked.asker), None)
        if not said.get("code"):
            raise Mistaken("invalid_request", f"code is required for {CODE} grant")
        exchange = Exchange(
            code=said["code"],
            verifier=said.get("code_verifier", ""),
            redirect_uri=said.get("redirect_uri"),
            resource=said.get("resource"),
        )
        return _granted(*await self.oauth_server.tokens.exchange(client, exchange, asked.asker))

    async def revoke(self, asked: Asked) -> Answer:
        """POST /oauth/revoke (RFC 7009): a program gives back what it was given, by either token. What is none is no mistake."""
        _ = self.oauth_server
        await self.bound(asked, "oauth revoke", self.auth.rate_token)
        try:
            said = form(asked)
            client = await self._proven(asked, credentials(asked, said))
            if not said.get("token"):
                raise Mistaken("invalid_request", "token is required")
            session = self._session(said["token"])
            if session is not None:
                await self.oauth_server.tokens.revoke(client, session, asked.asker)
        except Mistaken as mistake:
            return _refusal(mistake.error, mistake.text, mistake.status)
        except GrantInvalid as error:
            return _refusal("invalid_grant", error.message)
        return Answer(body=b"", headers=[NO_STORE])

    def _session(self, token: str) -> str | None:
        """The session to which a refresh token or an access token belongs; hints to which it is are not needed."""
        try:
            return self.identity.sessions.named(token)
        except (BodyInvalid, RefreshTokenUnknown):
            pass
        principal = self._verified(token)
        return _named(principal) if principal is not None else None

    def _verified(self, token: str) -> Principal | None:
        """Whom an access token stands for, or None."""
        try:
            return self.verifier(token.encode())
        except (TokenInvalid, TokenExpired):
            return None

    async def introspect(self, asked: Asked) -> Answer:
        """POST /oauth/introspect (RFC 7662): what a program's token is good for. It must have proved that it is that program."""
        _ = self.oauth_server
        await self.bound(asked, "oauth introspect", self.auth.rate_token)
        try:
            said = form(asked)
            client = await self._proven(asked, credentials(asked, said))
            if client.client_type == PUBLIC:
                raise Mistaken("invalid_client", "Only a client with a secret may ask", 401)
            if not said.get("token"):
                raise Mistaken("invalid_request", "token is required")
        except Mistaken as mistake:
            return _refusal(mistake.error, mistake.text, mistake.status)
        return unkept(await self._about(client, said["token"]))

    async def _about(self, client: Client, token: str) -> dict[str, Any]:
        """What is told of a token, whichever kind it is of."""
        looked, principal = self.oauth_server.introspection, None
        session = await looked.refresh_token(client, token)
        if session is None and (principal := self._verified(token)) is not None:
            session = await looked.access_token(client, _named(principal), principal)
        if session is None:
            return {"active": False}
        told = {"active": True, "iss": self.oauth_server.issuer, "sub": session.user_id, "client_id": client.id}
        if principal is None:
            return told | {"scope": session.scopes or ""}
        claims = {name: principal.claim(name) for name in ("scope", "aud", "iat", "exp")}
        return told | {"token_type": "bearer"} | {name: said for name, said in claims.items() if said is not None}

    async def _proven(self, asked: Asked, said: Credentials) -> Client:
        """The program, which has proved who it is. Wrong proofs are counted, so that guessing ends soon. Raises Mistaken."""
        try:
            client = await self.oauth_server.clients.find(client_id(said.client_id))
        except Refused:
            client = None
        if client is not None and proves(client, said.method, said.secret):
            return client
        proves(None, said.method, said.secret)
        wait = await self.identity.parts.counters.take(f"oauth client {asked.asker.ip}", Rate(_WRONG_SECRETS, FIVE_MINUTES))
        if wait:
            raise TooManyRequests("request", wait)
        raise Mistaken("invalid_client", "Invalid client credentials", 401 if said.method == BASIC else 400)

    async def userinfo(self, asked: Asked) -> Answer:
        """GET and POST /oauth/userinfo: as much as the token's scope allows."""
        _ = self.oauth_server
        principal = self.bearer(asked, programs=True)
        user, _session = await self.identity.profile.of(principal)
        scope = principal.claim("scope") if principal.claim("client_id") is not None else ""
        return unkept({"sub": user.id, **known(user, scope if isinstance(scope, str) else "")})


def _named(principal: Principal) -> str | None:
    """The session that an access token names."""
    try:
        return parse.uuid(str(principal.claim("session_id")), "session_id")
    except Refused:
        return None


def _granted(granted: Granted, id_token: str | None) -> Answer:
    told = render.tokens(granted)
    del told["expires_at"]
    if granted.session.scopes:
        told["scope"] = granted.session.scopes
    if id_token is not None:
        told["id_token"] = id_token
    return unkept(told)


def _refusal(error: str, text: str, status: int = 400) -> Answer:
    headers = [NO_STORE, (b"www-authenticate", b'Basic realm="oauth"')] if status == 401 else [NO_STORE]
    return Answer(status, render.json({"error": error, "error_description": text}), headers)
