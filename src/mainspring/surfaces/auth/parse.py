"""Bodies as GoTrue's clients write them. Whatever else they hold is passed over."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from mainspring.services.identity.addresses import CHANNELS, EMAIL, PHONE, SMS, Address
from mainspring.services.identity.administration import SORTS
from mainspring.services.identity.people import Challenge
from mainspring.surfaces.auth.errors import Refused, invalid

T = TypeVar("T")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")
_DURATION: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_BAN: Final = timedelta(days=365 * 200)
_MOST_PER_PAGE: Final = 1000
_MOST_FIELDS: Final = 100
_IN_PATHS: Final = ("user_id", "factor_id", "session_id")


class Pkce(msgspec.Struct):
    """What a program begins a sign-in with that it will end with a code."""

    code_challenge: str | None = None
    code_challenge_method: str | None = None

    def challenge(self) -> Challenge | None:
        """The challenge, where there is one. Raises Refused."""
        if not self.code_challenge and not self.code_challenge_method:
            return None
        if not self.code_challenge or not self.code_challenge_method:
            raise invalid("PKCE flow requires code_challenge_method and code_challenge")
        method = self.code_challenge_method.lower()
        if method not in ("s256", "plain"):
            raise invalid("invalid code challenge method")
        if not _CHALLENGE.match(self.code_challenge):
            raise invalid("code challenge has to be between 43 and 128 characters of A-Z a-z 0-9 - . _ ~")
        return Challenge(self.code_challenge, method)


class SignUpBody(Pkce):
    """`/signup`, `/otp`, `/magiclink`, `/recover`."""

    email: str | None = None
    phone: str | None = None
    password: str | None = None
    data: dict[str, Any] | None = None
    channel: str | None = None
    create_user: bool | None = None


class TokenBody(msgspec.Struct):
    """`/token`."""

    email: str | None = None
    phone: str | None = None
    password: str | None = None
    refresh_token: str | None = None
    auth_code: str | None = None
    code_verifier: str | None = None


class IdTokenBody(msgspec.Struct):
    """`/token?grant_type=id_token`."""

    id_token: str | None = None
    access_token: str | None = None
    nonce: str | None = None
    provider: str | None = None
    client_id: str | None = None
    issuer: str | None = None
    link_identity: bool = False


class WalletBody(msgspec.Struct):
    """`/token?grant_type=web3`."""

    chain: str | None = None
    message: str | None = None
    signature: str | None = None


class VerifyBody(msgspec.Struct):
    """`/verify`."""

    type: str | None = None
    token: str | None = None
    token_hash: str | None = None
    email: str | None = None
    phone: str | None = None


class ResendBody(Pkce):
    """`/resend`."""

    type: str | None = None
    email: str | None = None
    phone: str | None = None


class UserBody(Pkce):
    """PUT `/user`."""

    email: str | None = None
    phone: str | None = None
    channel: str | None = None
    password: str | None = None
    current_password: str | None = None
    nonce: str | None = None
    data: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None


class AdminBody(msgspec.Struct):
    """`/admin/users`."""

    id: str | None = None
    role: str | None = None
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    password_hash: str | None = None
    email_confirm: bool | None = None
    phone_confirm: bool | None = None
    user_metadata: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None
    ban_duration: str | None = None


class SsoBody(Pkce):
    """`/sso`."""

    provider_id: str | None = None
    domain: str | None = None
    redirect_to: str | None = None
    skip_http_redirect: bool | None = None


class SsoProviderBody(msgspec.Struct):
    """`/admin/sso/providers`."""

    type: str | None = None
    metadata_url: str | None = None
    metadata_xml: str | None = None
    domains: list[str] | None = None
    attribute_mapping: dict[str, Any] | None = None
    name_id_format: str | None = None
    resource_id: str | None = None
    disabled: bool | None = None


class CustomProviderBody(msgspec.Struct, omit_defaults=True):
    """`/admin/custom-providers`."""

    provider_type: str | None = None
    identifier: str | None = None
    name: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    acceptable_client_ids: list[str] | None = None
    scopes: list[str] | None = None
    pkce_enabled: bool | None = None
    attribute_mapping: dict[str, str] | None = None
    custom_claims_allowlist: list[str] | None = None
    authorization_params: dict[str, str] | None = None
    enabled: bool | None = None
    email_optional: bool | None = None
    skip_nonce_check: bool | None = None
    issuer: str | None = None
    discovery_url: str | None = None
    authorization_url: str | None = None
    token_url: str | None = None
    userinfo_url: str | None = None
    jwks_uri: str | None = None


class DeleteBody(msgspec.Struct):
    """DELETE `/admin/users/{id}`."""

    should_soft_delete: bool | None = None


def body(raw: bytes, form: type[T]) -> T:
    """A body. Raises Refused for what is no JSON object of the form."""
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, "bad_json", f"Could not parse request body as JSON: {error}") from None


def address(email: str | None, phone: str | None, said: str | None = None) -> Address | None:
    """The one address of a body, by the channel `said`. Raises Refused for a channel that there is not."""
    if phone and not email:
        return Address(PHONE, phone, channel(said))
    return Address(EMAIL, email) if email and not phone else None


def channel(said: str | None) -> str:
    """How a text is to go. Raises Refused."""
    if said and said not in CHANNELS:
        raise invalid("Invalid channel, supported values are 'sms' or 'whatsapp'")
    return said or SMS


def query(scope_query: bytes) -> dict[str, str]:
    """The parameters of a query string, the last of each name. Raises Refused where there are too many."""
    try:
        return dict(parse_qsl(scope_query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise invalid("Too many parameters") from None


def uuid(text: str, what: str) -> str:
    """An id in a path or a body. Raises Refused."""
    try:
        return str(UUID(text))
    except ValueError:
        raise Refused(404 if what in _IN_PATHS else 400, "validation_failed", f"{what} must be an UUID") from None


def page(given: dict[str, str]) -> tuple[int, int]:
    """The number and size of a page. Raises Refused."""
    try:
        number, size = int(given.get("page") or 1), int(given.get("per_page") or 50)
        if number < 1 or size < 1:
            raise ValueError("must be positive")
    except ValueError as error:
        raise invalid(f"Bad Pagination Parameters: {error}") from None
    return min(number, 10_000_000), min(size, _MOST_PER_PAGE)


def sort(text: str) -> list[tuple[str, bool]]:
    """Columns to sort by, and whether they fall. Raises Refused."""
    terms = [part.split() for part in text.split(",") if part.strip()]
    for term in terms:
        if term[0] not in SORTS or len(term) > 2 or term[-1].lower() not in (term[0], "asc", "desc"):
            raise invalid(f"Bad Sort Parameters: {text[:100]}")
    return [(term[0], len(term) > 1 and term[1].lower() == "desc") for term in terms]


def duration(text: str | None) -> timedelta | None:
    """A duration as Go writes it (`24h`, `1h30m`), none for `none`. Raises Refused."""
    if text is None:
        return None
    if text in ("none", "0"):
        return timedelta()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise invalid(f'invalid format for ban duration: "{text[:50]}"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return timedelta(seconds=min(seconds, _LONGEST_BAN.total_seconds()))
