"""Where the endpoints lie, and the ASGI app that finds them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from mainspring.backends.captcha.base import Captcha
from mainspring.errors import MainspringError
from mainspring.http.body import read_body
from mainspring.http.client import Locate
from mainspring.http.cookies import SessionCookie
from mainspring.http.dispatch import ID, TARGET
from mainspring.http.headers import JSON, Receive, Scope, Send, find
from mainspring.services.identity.people import Asker
from mainspring.services.identity.service import Identity
from mainspring.services.identity.tokens.tokens import TokenVerifier
from mainspring.settings import AuthSettings
from mainspring.surfaces.auth import consent, parse
from mainspring.surfaces.auth.account import Own
from mainspring.surfaces.auth.admin import Admin
from mainspring.surfaces.auth.api_keys import KeyDesk
from mainspring.surfaces.auth.asked import Answer, Asked, Desk
from mainspring.surfaces.auth.captcha import Gate
from mainspring.surfaces.auth.cookies import CookieDesk
from mainspring.surfaces.auth.custom import Custom
from mainspring.surfaces.auth.elsewhere import Elsewhere
from mainspring.surfaces.auth.errors import Refused, render_error
from mainspring.surfaces.auth.factors import Factors
from mainspring.surfaces.auth.invitations import Inviting
from mainspring.surfaces.auth.oauth import OAuth
from mainspring.surfaces.auth.oauth_clients import ClientDesk
from mainspring.surfaces.auth.oauth_tokens import TokenDesk
from mainspring.surfaces.auth.passkeys import PasskeyDesk
from mainspring.surfaces.auth.public import Public
from mainspring.surfaces.auth.signed_in import SignedInDesk
from mainspring.surfaces.auth.sso import Sso

Handler = Callable[[Asked], Awaitable[Answer]]
Methods = Mapping[str, Handler]
MAX_BODY: Final = 1_048_576
_MOST_AGENT: Final = 512
_BARE: Final = frozenset({204, 302, 303})
_BODILESS: Final = frozenset({"GET", "HEAD"})
"""Methods whose requests say nothing in a body; waiting for one would cost a turn of the event loop."""
_VERSION: Final = b"x-supabase-api-version"


class AuthSurface:
    """Answers below `/auth/v1` in GoTrue's protocol. Raises nothing that it has an answer for."""

    def __init__(
        self,
        identity: Identity,
        verifier: TokenVerifier,
        auth: AuthSettings,
        jwks: Callable[[], Mapping[str, Any]],
        locate: Locate,
        captcha: Captcha | None = None,
        cookie: SessionCookie | None = None,
    ) -> None:
        self._locate = locate
        desk = (identity, verifier, auth)
        self._routes = Routes(
            {
                **_public(Public(*desk, jwks)),
                **_own(Own(*desk)),
                **_admin(Admin(*desk)),
                **_inviting(Inviting(*desk)),
                **_api_keys(KeyDesk(*desk)),
                **_oauth(OAuth(*desk), TokenDesk(*desk), ClientDesk(*desk)),
                **_elsewhere(Elsewhere(*desk)),
                **_custom(Custom(*desk)),
                **_cookies(CookieDesk(*desk, cookie)),
                **_consent(auth),
                **_factors(Factors(*desk)),
                **_passkeys(PasskeyDesk(*desk)),
                **_sso(Sso(*desk)),
                **_signed_in(SignedInDesk(*desk)),
            }
        )
        self._gate = Gate(Desk(*desk), captcha)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope["method"] == "HEAD"
        try:
            answer = await self._answer(scope, receive)
            typed = answer.status in _BARE or find(answer.headers, b"content-type") is not None
            headers = answer.headers if typed else [JSON, *answer.headers]
            status, body = answer.status, answer.body
        except MainspringError as error:
            status, headers, body = render_error(error, find(scope["headers"], _VERSION), scope.get(ID, b""))
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        handler, named, path = self._routes.find(scope)
        headers = scope["headers"]
        agent = (find(headers, b"user-agent") or b"").decode("latin-1")[:_MOST_AGENT]
        asked = Asked(
            headers,
            parse.query(scope.get("query_string", b"")),
            named,
            b"" if scope["method"] in _BODILESS else await read_body(receive, headers, MAX_BODY),
            Asker(self._locate(scope), agent),
            scope["path"],
        )
        await self._gate(path, asked)
        return await handler(asked)


class Routes:
    """Handlers by path and method. `{name}` in a path stands for one segment."""

    def __init__(self, table: Mapping[str, Methods]) -> None:
        self._plain = {path: methods for path, methods in table.items() if "{" not in path}
        self._named = [(path.split("/"), methods, path) for path, methods in table.items() if "{" in path]

    def find(self, scope: Scope) -> tuple[Handler, Mapping[str, str], str]:
        """The handler of a request, what its path names, and the path. Raises Refused."""
        asked = scope["path"][len(scope.get("root_path") or "") :].rstrip("/")
        methods = self._plain.get(asked)
        path, named = asked, dict[str, str]()
        if methods is None:
            methods, path, named = self._match(asked.split("/"))
        scope[TARGET] = f"auth{path}"
        handler = methods.get(scope["method"])
        if handler is None:
            raise Refused(405, "validation_failed", f"Only {', '.join(methods)} is allowed here")
        return handler, named, path

    def _match(self, segments: list[str]) -> tuple[Methods, str, dict[str, str]]:
        for pattern, methods, path in self._named:
            if len(pattern) == len(segments) and all(map(_fits, pattern, segments)):
                named = {part[1:-1]: said for part, said in zip(pattern, segments, strict=True) if part[:1] == "{"}
                return methods, path, named
        raise Refused(404, "validation_failed", "There is nothing at this path")


def _fits(part: str, said: str) -> bool:
    return part == said or (part[:1] == "{" and bool(said))


def _public(do: Public) -> dict[str, Methods]:
    return {
        "/health": {"GET": do.health, "HEAD": do.health},
        "/settings": {"GET": do.settings, "HEAD": do.settings},
        "/.well-known/jwks.json": {"GET": do.jwks, "HEAD": do.jwks},
        "/signup": {"POST": do.signup},
        "/token": {"POST": do.token},
        "/otp": {"POST": do.otp},
        "/magiclink": {"POST": do.magiclink},
        "/recover": {"POST": do.recover},
        "/resend": {"POST": do.resend},
        "/verify": {"POST": do.verify, "GET": do.follow},
    }


def _own(do: Own) -> dict[str, Methods]:
    return {
        "/user": {"GET": do.user, "PUT": do.update_user},
        "/logout": {"POST": do.logout},
        "/reauthenticate": {"GET": do.reauthenticate},
    }


def _admin(do: Admin) -> dict[str, Methods]:
    return {
        "/admin/users": {"GET": do.list_users, "POST": do.create_user},
        "/admin/users/{id}": {"GET": do.get_user, "PUT": do.change_user, "DELETE": do.delete_user},
    }


def _inviting(do: Inviting) -> dict[str, Methods]:
    return {
        "/invite": {"POST": do.invite},
        "/admin/generate_link": {"POST": do.link},
        "/admin/audit": {"GET": do.audit},
    }


def _api_keys(do: KeyDesk) -> dict[str, Methods]:
    return {
        "/admin/api-keys": {"GET": do.list_keys, "POST": do.create_key},
        "/admin/api-keys/{id}": {"GET": do.get_key, "PATCH": do.change_key, "DELETE": do.revoke_key},
    }


def _oauth(do: OAuth, tokens: TokenDesk, clients: ClientDesk) -> dict[str, Methods]:
    return {
        "/.well-known/openid-configuration": {"GET": do.openid, "HEAD": do.openid},
        "/.well-known/oauth-authorization-server": {"GET": do.metadata, "HEAD": do.metadata},
        "/oauth/authorize": {"GET": do.authorize},
        "/oauth/authorizations/{id}": {"GET": do.details},
        "/oauth/authorizations/{id}/consent": {"POST": do.consent},
        "/oauth/token": {"POST": tokens.token},
        "/oauth/revoke": {"POST": tokens.revoke},
        "/oauth/introspect": {"POST": tokens.introspect},
        "/oauth/userinfo": {"GET": tokens.userinfo, "POST": tokens.userinfo},
        "/oauth/clients/register": {"POST": clients.register},
        "/user/oauth/grants": {"GET": do.list_grants, "DELETE": do.withdraw},
        "/admin/oauth/clients": {"GET": clients.list_clients, "POST": clients.create_client},
        "/admin/oauth/clients/{id}": {
            "GET": clients.get_client,
            "PUT": clients.change_client,
            "DELETE": clients.remove_client,
        },
        "/admin/oauth/clients/{id}/regenerate_secret": {"POST": clients.renew_secret},
    }


def _elsewhere(do: Elsewhere) -> dict[str, Methods]:
    return {
        "/authorize": {"GET": do.authorize},
        "/callback": {"GET": do.callback, "POST": do.callback},
        "/user/identities/authorize": {"GET": do.link},
        "/user/identities/{id}": {"DELETE": do.unlink},
    }


def _custom(do: Custom) -> dict[str, Methods]:
    return {
        "/admin/custom-providers": {"GET": do.list_providers, "POST": do.create},
        "/admin/custom-providers/{id}": {"GET": do.get, "PUT": do.change, "DELETE": do.delete},
    }


def _cookies(do: CookieDesk) -> dict[str, Methods]:
    return {"/cookie": {"POST": do.begin, "DELETE": do.end}}


def _consent(auth: AuthSettings) -> dict[str, Methods]:
    kinds = {"": ".html", ".css": ".css", ".js": ".js"}
    pages = {consent.PATH + end: consent.part(kind, auth) for end, kind in kinds.items()}
    return {path: {"GET": page, "HEAD": page} for path, page in pages.items()}


def _factors(do: Factors) -> dict[str, Methods]:
    return {
        "/factors": {"POST": do.enroll},
        "/factors/recovery-codes": {"POST": do.make_codes, "GET": do.codes_left, "DELETE": do.forget_codes},
        "/factors/recovery-codes/verify": {"POST": do.verify_code},
        "/factors/{id}": {"DELETE": do.unenroll},
        "/factors/{id}/challenge": {"POST": do.challenge},
        "/factors/{id}/verify": {"POST": do.verify},
        "/admin/users/{id}/factors": {"GET": do.list_of},
        "/admin/users/{id}/factors/{factor}": {"PUT": do.change_of, "DELETE": do.delete_of},
    }


def _passkeys(do: PasskeyDesk) -> dict[str, Methods]:
    return {
        "/passkeys": {"GET": do.list_own},
        "/passkeys/{id}": {"PATCH": do.rename, "DELETE": do.remove},
        "/passkeys/registration/options": {"POST": do.begin_registration},
        "/passkeys/registration/verify": {"POST": do.register},
        "/passkeys/authentication/options": {"POST": do.begin_authentication},
        "/passkeys/authentication/verify": {"POST": do.authenticate},
        "/admin/users/{id}/passkeys": {"GET": do.list_of},
        "/admin/users/{id}/passkeys/{passkey}": {"DELETE": do.remove_of},
    }


def _sso(do: Sso) -> dict[str, Methods]:
    return {
        "/sso": {"POST": do.begin},
        "/sso/saml/metadata": {"GET": do.metadata, "HEAD": do.metadata},
        "/sso/saml/acs": {"POST": do.consume},
        "/admin/sso/providers": {"GET": do.list_providers, "POST": do.create},
        "/admin/sso/providers/{id}": {"GET": do.get, "PUT": do.change, "DELETE": do.delete},
    }


def _signed_in(do: SignedInDesk) -> dict[str, Methods]:
    return {
        "/user/sessions": {"GET": do.list_own},
        "/user/sessions/{session}": {"DELETE": do.end_own},
        "/admin/users/{id}/sessions": {"GET": do.list_of, "DELETE": do.end_all_of},
        "/admin/users/{id}/sessions/{session}": {"DELETE": do.end_of},
    }
