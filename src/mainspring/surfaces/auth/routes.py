"""Where the endpoints lie, and the ASGI app that finds them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from mainspring.errors import MainspringError
from mainspring.http.body import read_body
from mainspring.http.client import Locate
from mainspring.http.dispatch import ID, TARGET
from mainspring.http.headers import JSON, Receive, Scope, Send, find
from mainspring.services.identity.people import Asker
from mainspring.services.identity.service import Identity
from mainspring.services.identity.tokens import TokenVerifier
from mainspring.settings import AuthSettings
from mainspring.surfaces.auth import parse
from mainspring.surfaces.auth.errors import Refused, render_error
from mainspring.surfaces.auth.handle import Answer, Asked, Endpoints

Handler = Callable[[Asked], Awaitable[Answer]]
MAX_BODY: Final = 1_048_576
_MOST_AGENT: Final = 512
_USER: Final = "/admin/users/"
_VERSION: Final = b"x-supabase-api-version"


class AuthSurface:
    """Answers below `/auth/v1` in GoTrue's protocol. Raises nothing that it has an answer for."""

    def __init__(
        self, identity: Identity, verifier: TokenVerifier, auth: AuthSettings, jwks: Mapping[str, Any], locate: Locate
    ) -> None:
        do = Endpoints(identity, verifier, auth, jwks)
        self._locate, self._external = locate, identity.parts.redirects.site_url
        self._routes: dict[str, dict[str, Handler]] = {
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
            "/user": {"GET": do.user, "PUT": do.update_user},
            "/logout": {"POST": do.logout},
            "/reauthenticate": {"GET": do.reauthenticate},
            "/admin/users": {"GET": do.list_users, "POST": do.create_user},
        }
        self._one_user: dict[str, Handler] = {"GET": do.get_user, "PUT": do.change_user, "DELETE": do.delete_user}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope["method"] == "HEAD"
        try:
            answer = await self._answer(scope, receive)
            headers = answer.headers if answer.status in (204, 303) else [JSON, *answer.headers]
            status, body = answer.status, answer.body
        except MainspringError as error:
            status, headers, body = render_error(error, find(scope["headers"], _VERSION), scope.get(ID, b""))
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        handler, named = self._find(scope)
        headers = scope["headers"]
        agent = (find(headers, b"user-agent") or b"").decode("latin-1")[:_MOST_AGENT]
        asked = Asked(
            headers,
            parse.query(scope.get("query_string", b"")),
            named,
            await read_body(receive, headers, MAX_BODY),
            Asker(self._locate(scope), agent),
            scope["path"],
        )
        return await handler(asked)

    def _find(self, scope: Scope) -> tuple[Handler, Mapping[str, str]]:
        """The endpoint, and what its path names. Raises Refused."""
        path = scope["path"][len(scope.get("root_path") or "") :].rstrip("/")
        named: dict[str, str] = {}
        methods = self._routes.get(path)
        if methods is None and path.startswith(_USER) and "/" not in path[len(_USER) :]:
            methods, named = self._one_user, {"id": path[len(_USER) :]}
        if methods is None:
            raise Refused(404, "validation_failed", "There is nothing at this path")
        scope[TARGET] = f"auth{path}" if not named else f"auth{_USER}{{id}}"
        handler = methods.get(scope["method"])
        if handler is None:
            raise Refused(405, "validation_failed", f"Only {', '.join(methods)} is allowed here")
        return handler, named
