"""The OAuth 2.1 server: programs ask, people consent, programs get tokens. OpenID Connect where `openid` is asked for."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from mainspring.http.headers import NO_STORE, find
from mainspring.services.identity.oauth_server.clients import BASIC, DYNAMIC, GRANTS, METHODS, POST, Client
from mainspring.services.identity.oauth_server.scopes import SCOPES
from mainspring.services.identity.people import User
from mainspring.surfaces.auth import consent, parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, joined, unkept
from mainspring.surfaces.auth.errors import Refused, invalid
from mainspring.surfaces.auth.oauth_parse import Mistaken, client_id, wanted

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

    # ------------------------------------------------------------ what there is

    async def openid(self, asked: Asked) -> Answer:
        """GET /.well-known/openid-configuration."""
        return Answer(body=render.json(self._discovery(self.identity.oauth.issuer)), headers=[_CACHED])

    async def metadata(self, asked: Asked) -> Answer:
        """GET /.well-known/oauth-authorization-server."""
        return Answer(body=render.json(self._discovery(self.oauth_server.issuer)), headers=[_CACHED])

    def _discovery(self, issuer: str) -> dict[str, Any]:
        told: dict[str, Any] = {"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"}
        if self.auth.oauth_server:
            told |= {
                "authorization_endpoint": f"{issuer}/oauth/authorize",
                "token_endpoint": f"{issuer}/oauth/token",
                "revocation_endpoint": f"{issuer}/oauth/revoke",
                "revocation_endpoint_auth_methods_supported": list(METHODS),
                "introspection_endpoint": f"{issuer}/oauth/introspect",
                "introspection_endpoint_auth_methods_supported": [BASIC, POST],
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
        server, query = self.oauth_server, asked.query
        await self.bound(asked, "oauth authorize", self.auth.rate_token)
        if not query.get("client_id"):
            raise invalid("client_id is required")
        if not query.get("redirect_uri"):
            raise invalid("redirect_uri is required")
        client = await server.clients.find(client_id(query["client_id"]))
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
        row, client, code = await self.oauth_server.grants.look(asked.named["id"], user, asked.asker)
        if code is not None:
            return unkept({"redirect_url": _with_code(row.redirect_uri, code, row.state)})
        told = {
            "authorization_id": row.authorization_id,
            "redirect_uri": row.redirect_uri,
            "client": _shown(client),
            "user": {"id": user.id, "email": user.email or ""},
            "scope": row.scope,
        }
        return unkept(told)

    async def consent(self, asked: Asked) -> Answer:
        """POST /oauth/authorizations/{id}/consent."""
        user = await self._person(asked)
        action = parse.body(asked.body, ConsentBody).action
        if action not in ("approve", "deny"):
            raise invalid("action must be 'approve' or 'deny'")
        row, code = await self.oauth_server.grants.answer(asked.named["id"], user, asked.asker, allow=action == "approve")
        if code is not None:
            return unkept({"redirect_url": _with_code(row.redirect_uri, code, row.state)})
        said = _mistake("access_denied", "User denied the request", row.state or "")
        return unkept({"redirect_url": joined(row.redirect_uri, urlencode(said))})

    async def list_grants(self, asked: Asked) -> Answer:
        """GET /user/oauth/grants."""
        server, user = self.oauth_server, (await self.identity.profile.of(self.bearer(asked)))[0]
        found = await server.grants.consents(user)
        told = [
            {"client": _shown(client), "scopes": row.scopes.split(), "granted_at": row.granted_at.replace("+00:00", "Z")}
            for row, client in found
        ]
        return Answer(body=msgspec.json.encode(told))

    async def withdraw(self, asked: Asked) -> Answer:
        """DELETE /user/oauth/grants."""
        server, user = self.oauth_server, (await self.identity.profile.of(self.bearer(asked)))[0]
        if not asked.query.get("client_id"):
            raise invalid("client_id query parameter is required")
        await server.grants.withdraw(user, client_id(asked.query["client_id"], "validation_failed"), asked.asker)
        return Answer(204, b"")

    async def _person(self, asked: Asked) -> User:
        """Who answers a program's request: a person, from a page of ours. Raises Refused and what `profile.of` raises."""
        _ = self.oauth_server
        origin = (find(asked.headers, b"origin") or b"").decode("latin-1")
        if origin and origin != self._own_origin() and not self.identity.parts.redirects.allows(origin):
            raise invalid("unauthorized request origin")
        return (await self.identity.profile.of(self.bearer(asked)))[0]

    def _own_origin(self) -> str:
        return "/".join(self.identity.oauth.issuer.split("/")[:3])


def _shown(client: Client) -> dict[str, Any]:
    optional = {"name": client.client_name, "uri": client.client_uri, "logo_uri": client.logo_uri}
    told = {"id": client.id, **{name: value for name, value in optional.items() if value}}
    return told | ({"registration_type": DYNAMIC} if client.registration_type == DYNAMIC else {})


def _redirect(to: str) -> Answer:
    return Answer(302, b"", [(b"location", to.encode("utf-8", "ignore")), NO_STORE])


def _with_code(uri: str, code: str, state: str | None) -> str:
    return joined(uri, urlencode({"code": code, **({"state": state} if state else {})}))


def _sent_back(uri: str, error: str, text: str, state: str) -> Answer:
    return _redirect(joined(uri, urlencode(_mistake(error, text, state))))


def _mistake(error: str, text: str, state: str) -> dict[str, str]:
    return {"error": error, "error_description": text, **({"state": state} if state else {})}
