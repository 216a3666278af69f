"""What the application may have a say in: who comes in, what tokens claim, how messages leave, who may go on trying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from mainspring.services.identity.addresses import Address
from mainspring.services.identity.messages.codes import Code
from mainspring.services.identity.people import Asker, User

Claims = dict[str, Any]


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a try of a password or a factor. `sign_out`: of the user's sessions, too."""

    rejected: bool = False
    text: str = ""
    sign_out: bool = False


class Hooks(Protocol):
    """Each raises Refusal where the application refuses, or why it could not be asked. Those that are not set say yes."""

    claims_set: bool
    mails_set: bool
    texts_set: bool

    async def before_user_created(self, user: User, asker: Asker) -> None:
        """Return when the user may be."""
        ...

    async def after_user_created(self, user: User, asker: Asker) -> None:
        """Tell of a user who is new."""
        ...

    async def custom_claims(self, user: User, claims: Claims, method: str, asker: Asker) -> Claims:
        """What a token is to claim in the place of `claims`."""
        ...

    async def send_mail(self, kind: str, user: User, codes: Sequence[tuple[Address, Code]], redirect_to: str) -> None:
        """Send a mail with a code; with two, where two addresses must agree (the new one's first)."""
        ...

    async def send_text(self, user: User, address: Address, code: Code) -> None:
        """Send a text with a code."""
        ...

    async def password_verification_attempt(self, user: str, valid: bool, asker: Asker) -> Verdict:
        """Tell of a try of a password."""
        ...

    async def mfa_verification_attempt(self, user: str, factor: str, kind: str, valid: bool, asker: Asker) -> Verdict:
        """Tell of a try of a factor."""
        ...


class NoHooks:
    """The application has no say."""

    claims_set = mails_set = texts_set = False

    async def before_user_created(self, user: User, asker: Asker) -> None:
        """Yes."""

    async def after_user_created(self, user: User, asker: Asker) -> None:
        """Nothing."""

    async def custom_claims(self, user: User, claims: Claims, method: str, asker: Asker) -> Claims:
        """Those that there are."""
        return claims

    async def send_mail(self, kind: str, user: User, codes: Sequence[tuple[Address, Code]], redirect_to: str) -> None:
        """Nothing."""

    async def send_text(self, user: User, address: Address, code: Code) -> None:
        """Nothing."""

    async def password_verification_attempt(self, user: str, valid: bool, asker: Asker) -> Verdict:
        """Go on."""
        return Verdict()

    async def mfa_verification_attempt(self, user: str, factor: str, kind: str, valid: bool, asker: Asker) -> Verdict:
        """Go on."""
        return Verdict()


_TEXT, _WHOLE, _OBJECT = (str,), (int,), (dict,)
_WANTED: Mapping[str, tuple[type, ...]] = {
    "aud": (str, list),
    "exp": _WHOLE,
    "iat": _WHOLE,
    "sub": _TEXT,
    "email": _TEXT,
    "phone": _TEXT,
    "role": _TEXT,
    "aal": _TEXT,
    "session_id": _TEXT,
    "is_anonymous": (bool,),
}
_ALLOWED: Mapping[str, tuple[type, ...]] = {
    "jti": _TEXT,
    "iss": _TEXT,
    "nbf": _WHOLE,
    "app_metadata": _OBJECT,
    "user_metadata": _OBJECT,
    "amr": (list,),
}


def missing(claims: Claims) -> list[str]:
    """The claims without which (or with which in this form) a token would not be one."""
    absent = [name for name in _WANTED if name not in claims]
    return absent + [name for name, kinds in {**_WANTED, **_ALLOWED}.items() if name in claims and not _is(claims[name], kinds)]


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
