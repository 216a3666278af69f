"""What each endpoint does: from a parsed request to the identity service, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

from mainspring.backends.counters.base import Rate
from mainspring.errors import AdministratorRequired, BearerMissing, MainspringError, MethodDisabled, TooManyRequests, UserBanned
from mainspring.http.headers import JSON, NO_STORE, Header, find
from mainspring.principal import Principal
from mainspring.services.identity.administration import Account
from mainspring.services.identity.codes import PKCE
from mainspring.services.identity.mailed import VERIFIES, Continued, Halfway, Verified
from mainspring.services.identity.people import Asker, Granted
from mainspring.services.identity.profile import Wishes
from mainspring.services.identity.service import Identity
from mainspring.services.identity.sessions import GLOBAL, SCOPES
from mainspring.services.identity.tokens import TokenVerifier
from mainspring.settings import AuthSettings
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.errors import Refused, error_query, invalid

FIVE_MINUTES: Final = 300.0
HOUR: Final = 3600.0
_HALFWAY: Final = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
_CACHED: Final[Header] = (b"cache-control", b"public, max-age=600")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its headers, its parameters, what its path names, its body, and where it comes from."""

    headers: list[Header]
    query: Mapping[str, str]
    named: Mapping[str, str]
    body: bytes
    asker: Asker
    here: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body and headers beyond the usual."""

    status: int = 200
    body: bytes = b"{}"
    headers: list[Header] = field(default_factory=list)


class Endpoints:
    """One method for each endpoint."""

    def __init__(self, identity: Identity, verifier: TokenVerifier, auth: AuthSettings, jwks: Mapping[str, Any]) -> None:
        self._identity, self._verifier, self._auth = identity, verifier, auth
        self._jwks = render.json(jwks)

    # ------------------------------------------------------------ what anybody may ask

    async def health(self, asked: Asked) -> Answer:
        """That it is up."""
        told = {"version": f"v{version('mainspring')}", "name": "GoTrue", "description": "Mainspring, in GoTrue's protocol"}
        return Answer(body=render.json(told))

    async def settings(self, asked: Asked) -> Answer:
        """What is switched on."""
        return Answer(body=render.json(render.settings(self._auth)))

    async def jwks(self, asked: Asked) -> Answer:
        """The public keys."""
        return Answer(body=self._jwks, headers=[_CACHED])

    # ------------------------------------------------------------ signing up and in

    async def signup(self, asked: Asked) -> Answer:
        """POST /signup."""
        said = parse.body(asked.body, parse.SignUpBody)
        if not said.email and not said.phone:
            await self._bound(asked, "anonymous", self._auth.rate_anonymous, HOUR)
            return _session(await self._identity.sign_up.anonymously(said.data or {}, asked.asker))
        await self._bound(asked, "signup", self._auth.rate_send)
        if said.email and said.phone:
            raise invalid("Only an email address or phone number should be provided on signup.")
        if not said.password:
            raise invalid("Signup requires a valid password")
        if not said.email:
            raise MethodDisabled("phone")
        to = self._target(asked)
        made = await self._identity.sign_up.with_password(
            said.email, said.password, said.data or {}, asked.asker, said.challenge(), to
        )
        return _session(made) if isinstance(made, Granted) else Answer(body=render.json(render.user(made)))

    async def token(self, asked: Asked) -> Answer:
        """POST /token."""
        await self._bound(asked, "token", self._auth.rate_token)
        said = parse.body(asked.body, parse.TokenBody)
        match asked.query.get("grant_type"):
            case "password":
                return await self._by_password(said, asked)
            case "refresh_token":
                return await self._by_refresh_token(said, asked)
            case "pkce":
                if not said.auth_code or not said.code_verifier:
                    raise invalid("invalid request: both auth code and code verifier should be non-empty")
                code = _uuid_or(said.auth_code)
                return _session(await self._identity.sign_in.with_code(code, said.code_verifier, asked.asker))
        raise Refused(400, "invalid_credentials", "unsupported_grant_type")

    async def _by_password(self, said: parse.TokenBody, asked: Asked) -> Answer:
        if said.phone and not said.email:
            raise MethodDisabled("phone")
        if not said.email or (said.email and said.phone):
            raise invalid("missing email or phone")
        try:
            return _session(await self._identity.sign_in.with_password(said.email, said.password or "", asked.asker))
        except UserBanned as error:
            raise Refused(400, "user_banned", error.message) from error

    async def _by_refresh_token(self, said: parse.TokenBody, asked: Asked) -> Answer:
        if not said.refresh_token:
            raise invalid("refresh_token required")
        try:
            granted = await self._identity.sessions.refresh(said.refresh_token, asked.asker)
        except UserBanned:
            raise Refused(400, "user_banned", "Invalid Refresh Token: User Banned") from None
        answer = _session(granted)
        answer.headers.extend(
            [
                (b"sb-auth-user-id", granted.user.id.encode()),
                (b"sb-auth-session-id", granted.session.id.encode()),
                (b"sb-auth-refresh-token-counter", b"%d" % granted.session.refresh_token_counter),
            ]
        )
        return answer

    # ------------------------------------------------------------ by mail

    async def otp(self, asked: Asked) -> Answer:
        """POST /otp."""
        await self._bound(asked, "otp", self._auth.rate_send)
        said = parse.body(asked.body, parse.SignUpBody)
        if said.email and said.phone:
            raise invalid("Only an email address or phone number should be provided")
        if said.channel and not said.phone:
            raise invalid("Channel should only be specified with Phone OTP")
        return await self._magic_link(said, asked)

    async def magiclink(self, asked: Asked) -> Answer:
        """POST /magiclink."""
        await self._bound(asked, "magiclink", self._auth.rate_send)
        return await self._magic_link(parse.body(asked.body, parse.SignUpBody), asked)

    async def _magic_link(self, said: parse.SignUpBody, asked: Asked) -> Answer:
        if said.phone:
            raise MethodDisabled("phone")
        if not said.email:
            raise invalid("One of email or phone must be set")
        if not self._auth.email:
            raise MethodDisabled("email")
        await self._identity.mailed.magic_link(
            said.email, said.data or {}, said.create_user, asked.asker, said.challenge(), self._target(asked)
        )
        return Answer()

    async def recover(self, asked: Asked) -> Answer:
        """POST /recover."""
        await self._bound(asked, "recover", self._auth.rate_send)
        said = parse.body(asked.body, parse.SignUpBody)
        if not said.email:
            raise invalid("Password recovery requires an email")
        await self._identity.mailed.recover(said.email, asked.asker, said.challenge(), self._target(asked))
        return Answer()

    async def resend(self, asked: Asked) -> Answer:
        """POST /resend."""
        await self._bound(asked, "resend", self._auth.rate_send)
        said = parse.body(asked.body, parse.ResendBody)
        if said.type in ("sms", "phone_change"):
            raise MethodDisabled("phone")
        if said.type not in ("signup", "email_change"):
            raise invalid("Missing one of these types: signup, email_change, sms, phone_change")
        if not said.email:
            raise invalid("Type provided requires an email address")
        await self._identity.mailed.resend(said.type, said.email, asked.asker, said.challenge(), self._target(asked))
        return Answer()

    async def verify(self, asked: Asked) -> Answer:
        """POST /verify."""
        await self._bound(asked, "verify", self._auth.rate_verify)
        said = parse.body(asked.body, parse.VerifyBody)
        kind = _verification(said.type)
        if said.token_hash:
            if said.token or said.email or said.phone:
                raise invalid("Only the token_hash and type should be provided")
            return _verified(await self._identity.mailed.verify_link(kind, said.token_hash, asked.asker))
        if said.phone:
            raise MethodDisabled("phone")
        if not said.token or not said.email:
            raise invalid("Only an email address or phone number should be provided on verify")
        return _verified(await self._identity.mailed.verify_code(kind, said.email, said.token, asked.asker))

    async def follow(self, asked: Asked) -> Answer:
        """GET /verify: somebody follows a link."""
        to, token = self._target(asked), asked.query.get("token", "")
        pkce = token.startswith(PKCE)
        try:
            await self._bound(asked, "verify", self._auth.rate_verify)
            kind = _verification(asked.query.get("type"))
            if not token:
                raise invalid("Verify requires a token or a token hash")
            found = await self._identity.mailed.verify_link(kind, token, asked.asker, browser=True)
        except MainspringError as error:
            told = error_query(error)
            return _sent(_joined(to, told) if pkce else to, f"{told}&sb=")
        match found:
            case Continued(code):
                return _sent(_joined(to, f"code={code}"))
            case Halfway():
                return _sent(to, f"message={_HALFWAY.replace(' ', '+')}&sb=")
            case granted:
                return _sent(to, render.fragment(granted, kind))

    # ------------------------------------------------------------ one's own account

    async def user(self, asked: Asked) -> Answer:
        """GET /user."""
        found, _ = await self._identity.profile.of(self._bearer(asked))
        return Answer(body=render.json(render.user(found)))

    async def update_user(self, asked: Asked) -> Answer:
        """PUT /user."""
        principal = self._bearer(asked)
        await self._bound(asked, "user", self._auth.rate_send)
        said = parse.body(asked.body, parse.UserBody)
        if said.phone:
            raise MethodDisabled("phone")
        wishes = Wishes(
            email=said.email,
            password=said.password,
            current_password=said.current_password,
            nonce=said.nonce,
            data=said.data,
            app_data=said.app_metadata,
            challenge=said.challenge(),
            redirect_to=self._target(asked),
        )
        return Answer(body=render.json(render.user(await self._identity.profile.update(principal, wishes, asked.asker))))

    async def logout(self, asked: Asked) -> Answer:
        """POST /logout."""
        scope = asked.query.get("scope", GLOBAL)
        if scope not in SCOPES:
            raise invalid(f"Unsupported logout scope {scope[:20]}")
        user, session = await self._identity.profile.of(self._bearer(asked))
        await self._identity.sessions.end(user.id, session.id if session else None, scope)
        return Answer(204, b"")

    async def reauthenticate(self, asked: Asked) -> Answer:
        """GET /reauthenticate."""
        user, _ = await self._identity.profile.of(self._bearer(asked))
        await self._identity.mailed.reauthenticate(user, asked.asker)
        return Answer()

    # ------------------------------------------------------------ for the service key

    async def list_users(self, asked: Asked) -> Answer:
        """GET /admin/users."""
        self._administrator(asked)
        number, size = parse.page(dict(asked.query))
        users, total = await self._identity.administration.page(
            number, size, asked.query.get("filter", ""), parse.sort(asked.query.get("sort", ""))
        )
        body = render.json({"users": [render.user(each) for each in users], "aud": self._auth.audience})
        return Answer(200, body, _pages(asked.here, number, size, total))

    async def create_user(self, asked: Asked) -> Answer:
        """POST /admin/users."""
        self._administrator(asked)
        user = await self._identity.administration.create(_account(asked))
        return Answer(body=render.json(render.user(user)))

    async def get_user(self, asked: Asked) -> Answer:
        """GET /admin/users/{id}."""
        self._administrator(asked)
        user = await self._identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        return Answer(body=render.json(render.user(user)))

    async def change_user(self, asked: Asked) -> Answer:
        """PUT /admin/users/{id}."""
        self._administrator(asked)
        user = await self._identity.administration.update(parse.uuid(asked.named["id"], "user_id"), _account(asked))
        return Answer(body=render.json(render.user(user)))

    async def delete_user(self, asked: Asked) -> Answer:
        """DELETE /admin/users/{id}."""
        self._administrator(asked)
        said = parse.body(asked.body or b"{}", parse.DeleteBody)
        await self._identity.administration.delete(parse.uuid(asked.named["id"], "user_id"), soft=said.should_soft_delete)
        return Answer()

    # ------------------------------------------------------------ what endpoints share

    def _bearer(self, asked: Asked) -> Principal:
        """Who asks. An apikey is nobody. Raises BearerMissing, TokenInvalid, TokenExpired."""
        given = find(asked.headers, b"authorization") or b""
        if given[:7].lower() != b"bearer " or not given[7:].strip():
            raise BearerMissing
        return self._verifier(given[7:].strip())

    def _administrator(self, asked: Asked) -> None:
        if not self._bearer(asked).bypass:
            raise AdministratorRequired

    async def _bound(self, asked: Asked, what: str, times: int, seconds: float = FIVE_MINUTES) -> None:
        """Return when the address may ask so now. Raises TooManyRequests."""
        wait = await self._identity.parts.counters.take(f"{what} {asked.asker.ip}", Rate(times, seconds))
        if wait:
            raise TooManyRequests("request", wait)

    def _target(self, asked: Asked) -> str:
        """Where a person is to be sent."""
        said = [find(asked.headers, b"redirect_to"), find(asked.headers, b"referer")]
        header, referer = (value.decode("latin-1") if value else None for value in said)
        return self._identity.parts.redirects.choose(header or asked.query.get("redirect_to") or referer)


def _session(granted: Granted) -> Answer:
    return Answer(body=render.json(render.session(granted)), headers=[NO_STORE])


def _verified(found: Verified) -> Answer:
    if isinstance(found, Granted):
        return _session(found)
    return Answer(body=render.json({"msg": _HALFWAY, "code": "200"}))


def _verification(kind: str | None) -> str:
    if not kind:
        raise invalid("Verify requires a verification type")
    if kind in ("sms", "phone_change"):
        raise MethodDisabled("phone")
    if kind not in VERIFIES:
        raise invalid(f"Unsupported verification type {kind[:20]}")
    return kind


def _account(asked: Asked) -> Account:
    said = parse.body(asked.body, parse.AdminBody)
    if said.phone:
        raise MethodDisabled("phone")
    return Account(
        id=parse.uuid(said.id, "id") if said.id else None,
        role=said.role,
        email=said.email,
        password=said.password,
        password_hash=said.password_hash,
        email_confirm=said.email_confirm,
        data=said.user_metadata,
        app_data=said.app_metadata,
        ban=parse.duration(said.ban_duration),
    )


def _uuid_or(text: str) -> str:
    """A code as it is stored; one that is no UUID was never issued."""
    return text.strip().lower()[:64]


def _pages(here: str, number: int, size: int, total: int) -> list[Header]:
    last = max(1, -(-total // size))
    links = [(number + 1, "next")] if number < last else []
    links.append((last, "last"))
    told = ", ".join(f'<{here}?page={page}&per_page={size}>; rel="{name}"' for page, name in links)
    return [(b"link", told.encode()), (b"x-total-count", b"%d" % total)]


def _joined(to: str, query: str) -> str:
    """An address with more parameters."""
    bare, mark, fragment = to.partition("#")
    return f"{bare}{'&' if '?' in bare else '?'}{query}{mark}{fragment}"


def _sent(to: str, fragment: str = "") -> Answer:
    """Send a browser somewhere."""
    target = f"{to.partition('#')[0]}#{fragment}" if fragment else to
    return Answer(303, b"", [(b"location", target.encode("utf-8", "ignore")), NO_STORE, JSON])
