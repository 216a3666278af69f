"""The OAuth 2.1 server: programs ask, people consent, programs get tokens. OpenID Connect where `openid` is asked for."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from mainspring.backends.counters.base import Rate
from mainspring.errors import (
    ClientMismatch,
    FeatureDisabled,
    RequestError,
    ScopeInvalid,
    SignInError,
    TooManyRequests,
    UserBanned,
)
from mainspring.http.headers import NO_STORE, find
from mainspring.services.identity.oauth_server.clients import BASIC, CODE, DYNAMIC, GRANTS, METHODS, REFRESH, Client, proves
from mainspring.services.identity.oauth_server.oauth_server import OAuthServer
from mainspring.services.identity.oauth_server.scopes import SCOPES
from mainspring.services.identity.oauth_server.tokens import Exchange, known
from mainspring.services.identity.people import Granted, User
from mainspring.surfaces.auth import consent, parse, render
from mainspring.surfaces.auth.asked import FIVE_MINUTES, Answer, Asked, Desk, joined
from mainspring.surfaces.auth.errors import Refused, invalid
from mainspring.surfaces.auth.oauth_parse import Credentials, Mistaken, credentials, form, wanted

_WRONG_SECRETS: Final = 30
_CACHED: Final = (b"cache-control", b"public, max-age=600")
_CLAIMS: Final = (
    "sub aud iss exp iat auth_time nonce email email_verified phone_number phone_number_verified name picture "
    "preferred_username updated_at"
)


class ConsentBody(msgspec.Struct):
    """What a person says to a program's request."""

    action: str | None = None


class OAuth(Desk, frozen=True):
    """The endpoints for programs and for the people who use them."""

    @property
    def server(self) -> OAuthServer:
        """The service. Raises FeatureDisabled where it is switched off."""
        if not self.auth.oauth_server:
            raise FeatureDisabled("OAuth server")
        return self.identity.oauth

    # ------------------------------------------------------------ what there is

    async def openid(self, asked: Asked) -> Answer:
        """GET /.well-known/openid-configuration."""
        return Answer(body=render.json(self._discovery(self.identity.oauth.issuer)), headers=[_CACHED])

    async def metadata(self, asked: Asked) -> Answer:
        """GET /.well-known/oauth-authorization-server."""
        return Answer(body=render.json(self._discovery(self.server.issuer)), headers=[_CACHED])

    def _discovery(self, issuer: str) -> dict[str, Any]:
        told: dict[str, Any] = {"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"}
        if self.auth.oauth_server:
            told |= {
                "authorization_endpoint": f"{issuer}/oauth/authorize",
                "token_endpoint": f"{issuer}/oauth/token",
                "userinfo_endpoint": f"{issuer}/oauth/userinfo",
            }
        if self.auth.oauth_server and self.auth.oauth_registration:
            told["registration_endpoint"] = f"{issuer}/oauth/clients/register"
        return told | {
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANTS),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "ES256"],
            "token_endpoint_auth_methods_supported": list(METHODS),
            "claims_supported": _CLAIMS.split(),
            "code_challenge_methods_supported": ["S256"],
        }

    # ------------------------------------------------------------ asking and consenting

    async def authorize(self, asked: Asked) -> Answer:
        """GET /oauth/authorize: a browser is sent here by a program. Only to an address of the program's is it ever sent on."""
        server, query = self.server, asked.query
        await self.bound(asked, "oauth authorize", self.auth.rate_token)
        if not query.get("client_id"):
            raise invalid("client_id is required")
        if not query.get("redirect_uri"):
            raise invalid("redirect_uri is required")
        client = await server.clients.find(_client_id(query["client_id"]))
        if client is None:
            raise Refused(400, "oauth_client_not_found", "invalid client_id")
        if query["redirect_uri"] not in client.redirect_uris:
            raise invalid("invalid redirect_uri")
        try:
            said = wanted(query, client.allowed)
        except Mistaken as mistake:
            return _sent_back(query["redirect_uri"], mistake.error, mistake.text, query.get("state", "")[:4096])
        id_ = await server.grants.ask(client, said)
        return _redirect(joined(self._page(), urlencode({"authorization_id": id_})))

    def _page(self) -> str:
        """Where people answer: the app's page, or ours."""
        if self.auth.oauth_path:
            return self.identity.parts.redirects.site_url.rstrip("/") + "/" + self.auth.oauth_path.lstrip("/")
        return self.identity.oauth.issuer + consent.PATH

    async def details(self, asked: Asked) -> Answer:
        """GET /oauth/authorizations/{id}."""
        user = await self._person(asked)
        row, client, code = await self.server.grants.look(asked.named["id"], user, asked.asker)
        if code is not None:
            return _told({"redirect_url": _with_code(row.redirect_uri, code, row.state)})
        told = {
            "authorization_id": row.authorization_id,
            "redirect_uri": row.redirect_uri,
            "client": _shown(client),
            "user": {"id": user.id, "email": user.email or ""},
            "scope": row.scope,
        }
        return _told(told)

    async def consent(self, asked: Asked) -> Answer:
        """POST /oauth/authorizations/{id}/consent."""
        user = await self._person(asked)
        action = parse.body(asked.body, ConsentBody).action
        if action not in ("approve", "deny"):
            raise invalid("action must be 'approve' or 'deny'")
        row, code = await self.server.grants.answer(asked.named["id"], user, asked.asker, allow=action == "approve")
        if code is not None:
            return _told({"redirect_url": _with_code(row.redirect_uri, code, row.state)})
        said = _mistake("access_denied", "User denied the request", row.state or "")
        return _told({"redirect_url": joined(row.redirect_uri, urlencode(said))})

    async def list_grants(self, asked: Asked) -> Answer:
        """GET /user/oauth/grants."""
        server, user = self.server, (await self.identity.profile.of(self.bearer(asked)))[0]
        found = await server.grants.consents(user)
        told = [
            {"client": _shown(client), "scopes": row.scopes.split(), "granted_at": row.granted_at.replace("+00:00", "Z")}
            for row, client in found
        ]
        return Answer(body=msgspec.json.encode(told))

    async def withdraw(self, asked: Asked) -> Answer:
        """DELETE /user/oauth/grants."""
        server, user = self.server, (await self.identity.profile.of(self.bearer(asked)))[0]
        if not asked.query.get("client_id"):
            raise invalid("client_id query parameter is required")
        await server.grants.withdraw(user, _client_id(asked.query["client_id"], "validation_failed"), asked.asker)
        return Answer(204, b"")

    async def _person(self, asked: Asked) -> User:
        """Who answers a program's request: a person, from a page of ours. Raises Refused and what `profile.of` raises."""
        _ = self.server
        origin = (find(asked.headers, b"origin") or b"").decode("latin-1")
        if origin and origin != self._own_origin() and not self.identity.parts.redirects.allows(origin):
            raise invalid("unauthorized request origin")
        return (await self.identity.profile.of(self.bearer(asked)))[0]

    def _own_origin(self) -> str:
        return "/".join(self.identity.oauth.issuer.split("/")[:3])

    # ------------------------------------------------------------ tokens

    async def token(self, asked: Asked) -> Answer:
        """POST /oauth/token. It speaks OAuth's words, errors included."""
        _ = self.server
        await self.bound(asked, "oauth token", self.auth.rate_token)
        try:
            return await self._tokens(asked)
        except Mistaken as mistake:
            return _refusal(mistake.error, mistake.text, mistake.status)
        except TooManyRequests:
            raise
        except ClientMismatch as error:
            return _refusal("invalid_client", error.message)
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
            tokens = self.server.tokens
            return _granted(await tokens.refresh(client, said["refresh_token"], said.get("scope") or None, asked.asker), None)
        if not said.get("code"):
            raise Mistaken("invalid_request", f"code is required for {CODE} grant")
        exchange = Exchange(
            code=said["code"],
            verifier=said.get("code_verifier", ""),
            redirect_uri=said.get("redirect_uri"),
            resource=said.get("resource"),
        )
        return _granted(*await self.server.tokens.exchange(client, exchange, asked.asker))

    async def _proven(self, asked: Asked, said: Credentials) -> Client:
        """The program, which has proved who it is. Wrong proofs are counted, so that guessing ends soon. Raises Mistaken."""
        try:
            client = await self.server.clients.find(_client_id(said.client_id))
        except Refused:
            client = None
        if client is not None and proves(client, said.method, said.secret):
            return client
        proves(None, said.method, said.secret)
        wait = await self.identity.parts.counters.take(f"oauth client {asked.asker.ip}", Rate(_WRONG_SECRETS, FIVE_MINUTES))
        if wait:
            raise TooManyRequests("request", wait)
        raise Mistaken("invalid_client", "Invalid client credentials", 401 if said.method == BASIC else 400)

    # ------------------------------------------------------------ who has signed in

    async def userinfo(self, asked: Asked) -> Answer:
        """GET and POST /oauth/userinfo: as much as the token's scope allows."""
        _ = self.server
        principal = self.bearer(asked, programs=True)
        user, _session = await self.identity.profile.of(principal)
        scope = principal.claim("scope") if principal.claim("client_id") is not None else ""
        return _told({"sub": user.id, **known(user, scope if isinstance(scope, str) else "")})


def _client_id(text: str, code: str = "oauth_client_not_found") -> str:
    try:
        return parse.uuid(text, "client_id")
    except Refused:
        raise Refused(400, code, "invalid client_id format") from None


def _shown(client: Client) -> dict[str, Any]:
    optional = {"name": client.client_name, "uri": client.client_uri, "logo_uri": client.logo_uri}
    told = {"id": client.id, **{name: value for name, value in optional.items() if value}}
    return told | ({"registration_type": DYNAMIC} if client.registration_type == DYNAMIC else {})


def _granted(granted: Granted, id_token: str | None) -> Answer:
    told = render.tokens(granted)
    del told["expires_at"]
    if granted.session.scopes:
        told["scope"] = granted.session.scopes
    if id_token is not None:
        told["id_token"] = id_token
    return _told(told)


def _told(body: dict[str, Any]) -> Answer:
    return Answer(body=render.json(body), headers=[NO_STORE])


def _refusal(error: str, text: str, status: int = 400) -> Answer:
    headers = [NO_STORE, (b"www-authenticate", b'Basic realm="oauth"')] if status == 401 else [NO_STORE]
    return Answer(status, render.json({"error": error, "error_description": text}), headers)


def _redirect(to: str) -> Answer:
    return Answer(302, b"", [(b"location", to.encode("utf-8", "ignore")), NO_STORE])


def _with_code(uri: str, code: str, state: str | None) -> str:
    return joined(uri, urlencode({"code": code, **({"state": state} if state else {})}))


def _sent_back(uri: str, error: str, text: str, state: str) -> Answer:
    return _redirect(joined(uri, urlencode(_mistake(error, text, state))))


def _mistake(error: str, text: str, state: str) -> dict[str, str]:
    return {"error": error, "error_description": text, **({"state": state} if state else {})}
