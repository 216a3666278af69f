"""What hooks are asked, and how their answers are read, in GoTrue's JSON."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from mainspring.errors import HookFailed, MainspringError, Refusal
from mainspring.observe import HookErrored, Sink
from mainspring.services.hooks import Target
from mainspring.services.identity.addresses import Address
from mainspring.services.identity.hooks import Claims, Verdict, missing
from mainspring.services.identity.messages.codes import Code
from mainspring.services.identity.messages.messages import LINK_TYPES
from mainspring.services.identity.people import Asker, User
from mainspring.surfaces.auth import render

_NAMED: Final[Mapping[str, str]] = {
    "custom_access_token": "customize-access-token",
    "mfa_verification_attempt": "mfa-verification",
    "password_verification_attempt": "password-verification",
}
_REJECT: Final = "reject"


class WireHooks:
    """The hooks there are, each a target by its name. `site` is where we are."""

    def __init__(self, targets: Mapping[str, Target], site: str, observe: Sink) -> None:
        self._targets, self._site, self._observe = targets, site, observe
        self.claims_set = "custom_access_token" in targets
        self.mails_set = "send_email" in targets
        self.texts_set = "send_sms" in targets

    async def before_user_created(self, user: User, asker: Asker) -> None:
        """Return when the user may be."""
        await self._ask("before_user_created", asker, {"user": render.user(user)})

    async def after_user_created(self, user: User, asker: Asker) -> None:
        """Tell of a user who is new."""
        await self._ask("after_user_created", asker, {"user": render.user(user)})

    async def custom_claims(self, user: User, claims: Claims, method: str, asker: Asker) -> Claims:
        """What a token is to claim."""
        if not self.claims_set:
            return claims
        told = await self._ask(
            "custom_access_token", asker, {"user_id": user.id, "claims": claims, "authentication_method": method}
        )
        found = told.get("claims")
        if not isinstance(found, dict):
            raise self._failed("custom_access_token", "output claims field is missing")
        wrong = missing(found)
        if wrong:
            raise self._failed("custom_access_token", f"its claims lack, or have in another form: {', '.join(wrong)}")
        return found

    async def send_mail(self, kind: str, user: User, codes: Sequence[tuple[Address, Code]], redirect_to: str) -> None:
        """Send a mail with a code, or one to each of two addresses.

        With two, `token` goes with `token_hash_new` and `token_new` with `token_hash`: receivers are written to that.
        """
        first, *more = [code for _, code in codes]
        told = {
            "token": more[0].digits if more else first.digits,
            "token_hash": first.token,
            "redirect_to": redirect_to,
            "email_action_type": LINK_TYPES[kind] or kind,
            "site_url": self._site,
            "token_new": first.digits if more else "",
            "token_hash_new": more[0].token if more else "",
            **dict.fromkeys(("old_email", "old_phone", "provider", "factor_type"), ""),
        }
        await self._ask("send_email", Asker(), {"user": render.user(user), "email_data": told})

    async def send_text(self, user: User, address: Address, code: Code) -> None:
        """Send a text with a code."""
        await self._ask("send_sms", Asker(), {"user": render.user(user), "sms": {"otp": code.digits, "phone": address.text}})

    async def password_verification_attempt(self, user: str, valid: bool, asker: Asker) -> Verdict:
        """Tell of a try of a password."""
        told = await self._ask("password_verification_attempt", asker, {"user_id": user, "valid": valid})
        return _verdict(told, told.get("should_logout_user") is True)

    async def mfa_verification_attempt(self, user: str, factor: str, kind: str, valid: bool, asker: Asker) -> Verdict:
        """Tell of a try of a factor; a rejection ends the user's sessions."""
        said = {"user_id": user, "factor_id": factor, "factor_type": kind, "valid": valid}
        return _verdict(await self._ask("mfa_verification_attempt", asker, said), True)

    async def _ask(self, name: str, asker: Asker, said: Mapping[str, Any]) -> dict[str, Any]:
        """What the hook says; nothing where there is none. Raises Refusal, and why it could not be asked."""
        target = self._targets.get(name)
        if target is None:
            return {}
        metadata = {"uuid": str(uuid.uuid4()), "time": datetime.now(UTC), "name": _NAMED.get(name, name.replace("_", "-"))}
        about = {"metadata": {**metadata, "ip_address": asker.ip}, **said}
        try:
            return _read(await target(msgspec.json.encode(about)))
        except Refusal:
            raise
        except MainspringError as error:
            self._observe(HookErrored(name, error))
            raise
        except Exception as error:
            self._observe(HookErrored(name, error))
            raise HookFailed("raised an error") from error

    def _failed(self, name: str, why: str) -> HookFailed:
        error = HookFailed(why)
        self._observe(HookErrored(name, error))
        return error


def _read(answered: bytes | None) -> dict[str, Any]:
    """An answer. Raises Refusal where it holds an error with a message, HookFailed for what is no object."""
    try:
        told: Any = msgspec.json.decode(answered) if answered else {}
    except msgspec.DecodeError as error:
        raise HookFailed("answered what is no JSON") from error
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise HookFailed("answered no object")
    said = told.get("error")
    if isinstance(said, dict) and isinstance(said.get("message"), str) and said["message"]:
        status = said.get("http_code")
        raise Refusal(said["message"], status=status if isinstance(status, int) and 400 <= status < 600 else 500)
    return told


def _verdict(told: Mapping[str, Any], sign_out: bool) -> Verdict:
    text = told.get("message")
    return Verdict(told.get("decision") == _REJECT, text if isinstance(text, str) else "", sign_out)
