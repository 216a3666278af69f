"""What anybody may ask: signing up and in, and what goes by mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from mainspring.errors import MainspringError, UserBanned
from mainspring.http.headers import Header
from mainspring.services.identity.addresses import EMAIL, Address
from mainspring.services.identity.flows.verify import VERIFIES, Continued, Halfway, Verified
from mainspring.services.identity.messages.codes import PKCE
from mainspring.services.identity.people import Granted
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import HOUR, Answer, Asked, Desk, joined, posted, sent, session_of
from mainspring.surfaces.auth.errors import Refused, error_query, invalid
from mainspring.surfaces.auth.proofs import PROOFS, Proofs

_HALFWAY: Final = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
_CACHED: Final[Header] = (b"cache-control", b"public, max-age=600")


class Public(Desk, frozen=True):
    """The endpoints that need no session. `keys` tells the JWK set of the public keys as it is now."""

    keys: Callable[[], Mapping[str, Any]]

    # ------------------------------------------------------------ what anybody may ask

    async def health(self, asked: Asked) -> Answer:
        """That it is up."""
        return Answer(body=_about())

    async def settings(self, asked: Asked) -> Answer:
        """What is switched on."""
        names = self.identity.elsewhere.providers.names
        told = render.settings(self.auth, self.identity.parts.sms, names, passkeys=self.identity.passkeys.enabled)
        return Answer(body=render.json(told))

    async def jwks(self, asked: Asked) -> Answer:
        """The public keys."""
        return Answer(body=render.json(self.keys()), headers=[_CACHED])

    # ------------------------------------------------------------ signing up and in

    async def signup(self, asked: Asked) -> Answer:
        """POST /signup."""
        said = parse.body(asked.body, parse.SignUpBody)
        if not said.email and not said.phone:
            await self.bound(asked, "anonymous", self.auth.rate_anonymous, HOUR)
            return session_of(await self.identity.sign_up.anonymously(said.data or {}, asked.asker))
        await self.bound(asked, "signup", self.auth.rate_send)
        if said.email and said.phone:
            raise invalid("Only an email address or phone number should be provided on signup.")
        if not said.password:
            raise invalid("Signup requires a valid password")
        if said.phone and said.code_challenge:
            raise invalid("PKCE not supported for phone signups")
        address = parse.address(said.email, said.phone, said.channel)
        assert address is not None
        made = await self.identity.sign_up.with_password(
            address, said.password, said.data or {}, asked.asker, said.challenge(), self.target(asked)
        )
        return session_of(made) if isinstance(made, Granted) else Answer(body=render.user_document(made))

    async def token(self, asked: Asked) -> Answer:
        """POST /token."""
        await self.bound(asked, "token", self.auth.rate_token)
        if asked.query.get("grant_type") in PROOFS:
            return await Proofs(self.identity, self.verifier, self.auth).token(asked)
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
                return session_of(await self.identity.sign_in.with_code(code, said.code_verifier, asked.asker))
        raise Refused(400, "invalid_credentials", "unsupported_grant_type")

    async def _by_password(self, said: parse.TokenBody, asked: Asked) -> Answer:
        if said.email and said.phone:
            raise invalid("Only an email address or phone number should be provided on login.")
        address = parse.address(said.email, said.phone)
        if address is None:
            raise invalid("missing email or phone")
        try:
            return session_of(await self.identity.sign_in.with_password(address, said.password or "", asked.asker))
        except UserBanned as error:
            raise Refused(400, "user_banned", error.message) from error

    async def _by_refresh_token(self, said: parse.TokenBody, asked: Asked) -> Answer:
        if not said.refresh_token:
            raise invalid("refresh_token required")
        try:
            granted = await self.identity.refreshing.refresh(said.refresh_token, asked.asker)
        except UserBanned:
            raise Refused(400, "user_banned", "Invalid Refresh Token: User Banned") from None
        return session_of(granted)

    # ------------------------------------------------------------ by mail

    async def otp(self, asked: Asked) -> Answer:
        """POST /otp."""
        await self.bound(asked, "otp", self.auth.rate_send)
        said = parse.body(asked.body, parse.SignUpBody)
        if said.email and said.phone:
            raise invalid("Only an email address or phone number should be provided")
        if said.channel and not said.phone:
            raise invalid("Channel should only be specified with Phone OTP")
        return await self._code(parse.address(said.email, said.phone, said.channel), said, asked)

    async def magiclink(self, asked: Asked) -> Answer:
        """POST /magiclink."""
        await self.bound(asked, "magiclink", self.auth.rate_send)
        said = parse.body(asked.body, parse.SignUpBody)
        return await self._code(parse.address(said.email, None), said, asked)

    async def _code(self, address: Address | None, said: parse.SignUpBody, asked: Asked) -> Answer:
        if address is None:
            raise invalid("One of email or phone must be set")
        challenge = said.challenge() if address.kind == EMAIL else None  # a text holds no link
        return posted(
            await self.identity.mailed.code(
                address, said.data or {}, said.create_user is not False, asked.asker, challenge, self.target(asked)
            )
        )

    async def recover(self, asked: Asked) -> Answer:
        """POST /recover."""
        await self.bound(asked, "recover", self.auth.rate_send)
        said = parse.body(asked.body, parse.SignUpBody)
        if not said.email:
            raise invalid("Password recovery requires an email")
        await self.identity.mailed.recover(Address(EMAIL, said.email), asked.asker, said.challenge(), self.target(asked))
        return Answer()

    async def resend(self, asked: Asked) -> Answer:
        """POST /resend."""
        await self.bound(asked, "resend", self.auth.rate_send)
        said = parse.body(asked.body, parse.ResendBody)
        if said.type not in ("signup", "email_change", "sms", "phone_change"):
            raise invalid("Missing one of these types: signup, email_change, sms, phone_change")
        if said.type in ("signup", "email_change") and not said.email:
            raise invalid("Type provided requires an email address")
        if said.type == "sms" and not said.phone:
            raise invalid("Type provided requires a phone number")
        address = parse.address(said.email, said.phone)
        if address is None:
            raise invalid("Only an email address or phone number should be provided.")
        challenge = said.challenge() if address.kind == EMAIL else None
        await self.identity.mailed.resend(said.type, address, asked.asker, challenge, self.target(asked))
        return Answer()

    async def verify(self, asked: Asked) -> Answer:
        """POST /verify."""
        await self.bound(asked, "verify", self.auth.rate_verify)
        said = parse.body(asked.body, parse.VerifyBody)
        kind = _verification(said.type)
        if said.token_hash:
            if said.token or said.email or said.phone:
                raise invalid("Only the token_hash and type should be provided")
            return _verified(await self.identity.verify.link(kind, said.token_hash, asked.asker))
        address = parse.address(said.email, said.phone)
        if not said.token or address is None:
            raise invalid("Only an email address or phone number should be provided on verify")
        return _verified(await self.identity.verify.code(kind, address, said.token, asked.asker))

    async def follow(self, asked: Asked) -> Answer:
        """GET /verify: somebody follows a link."""
        to, token = self.target(asked), asked.query.get("token", "")
        pkce = token.startswith(PKCE)
        try:
            await self.bound(asked, "verify", self.auth.rate_verify)
            kind = _verification(asked.query.get("type"))
            if not token:
                raise invalid("Verify requires a token or a token hash")
            found = await self.identity.verify.link(kind, token, asked.asker, browser=True)
        except MainspringError as error:
            told = error_query(error)
            return sent(joined(to, told) if pkce else to, f"{told}&sb=")
        match found:
            case Continued(code):
                return sent(joined(to, f"code={code}"))
            case Halfway():
                return sent(to, f"message={_HALFWAY.replace(' ', '+')}&sb=")
            case granted:
                return sent(to, render.fragment(granted, kind))


def _verified(found: Verified) -> Answer:
    if isinstance(found, Granted):
        return session_of(found)
    return Answer(body=render.json({"msg": _HALFWAY, "code": "200"}))


def _verification(kind: str | None) -> str:
    if not kind:
        raise invalid("Verify requires a verification type")
    if kind not in VERIFIES:
        raise invalid(f"Unsupported verification type {kind[:20]}")
    return kind


def _uuid_or(text: str) -> str:
    """A code as it is stored; one that is no UUID was never issued."""
    return text.strip().lower()[:64]


@cache
def _about() -> bytes:
    """Who answers. Looking the version up reads a file."""
    told = {"version": f"v{version('mainspring')}", "name": "GoTrue", "description": "Mainspring, in GoTrue's protocol"}
    return render.json(told)
