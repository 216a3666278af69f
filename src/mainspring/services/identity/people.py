"""What is known of people who sign in, as the tables hold it, and who asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

TYPES = (
    "confirmation_token",
    "recovery_token",
    "email_change_token_new",
    "email_change_token_current",
    "reauthentication_token",
    "phone_change_token",
)
CONFIRMATION, RECOVERY, CHANGE_NEW, CHANGE_CURRENT, REAUTHENTICATION, PHONE_CHANGE = TYPES
UNVERIFIED, VERIFIED = "unverified", "verified"
AAL1, AAL2 = "aal1", "aal2"
"""How sure it is who somebody is: for how they sign in, and once they have proved a second factor as well."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a person signs in."""

    id: str
    user_id: str
    provider: str
    provider_id: str
    identity_data: dict[str, Any] | None = None
    email: str | None = None
    last_sign_in_at: str | None = None
    created_at: str
    updated_at: str | None = None


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """A second factor; what only its own flow needs is there only where that has read it."""

    id: str
    user_id: str
    friendly_name: str
    factor_type: str
    status: str
    phone: str | None = None
    web_authn_aaguid: str | None = None
    last_challenged_at: str | None = None
    created_at: str
    updated_at: str | None = None
    secret: str | None = None
    counter: int = 0
    web_authn_credential: dict[str, Any] | None = None

    @property
    def verified(self) -> bool:
        """Whether it has been shown to work."""
        return self.status == VERIFIED


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person. Moments are texts in UTC; `identities` and `factors` are empty where they were not asked for."""

    id: str
    aud: str | None = None
    role: str | None = None
    email: str | None = None
    encrypted_password: str | None = None
    email_confirmed_at: str | None = None
    invited_at: str | None = None
    confirmation_sent_at: str | None = None
    recovery_sent_at: str | None = None
    email_change: str | None = None
    email_change_sent_at: str | None = None
    email_change_confirm_status: int = 0
    phone: str | None = None
    phone_confirmed_at: str | None = None
    phone_change: str | None = None
    phone_change_sent_at: str | None = None
    reauthentication_sent_at: str | None = None
    last_sign_in_at: str | None = None
    raw_app_meta_data: dict[str, Any] | None = None
    raw_user_meta_data: dict[str, Any] | None = None
    is_sso_user: bool = False
    is_anonymous: bool = False
    banned_until: str | None = None
    deleted_at: str | None = None
    tokens_valid_from: int = 0
    created_at: str
    updated_at: str | None = None
    identities: list[Identity] = []
    factors: list[Factor] = msgspec.field(default_factory=list, name="mfa_factors")

    @property
    def confirmed(self) -> bool:
        """Whether one of the addresses is known to be theirs."""
        return self.email_confirmed_at is not None or self.phone_confirmed_at is not None

    @property
    def protected(self) -> bool:
        """Whether they have a second factor that works."""
        return any(factor.verified for factor in self.factors)

    def has_confirmed(self, kind: str) -> bool:
        """Whether the address of a kind (email, phone) is known to be theirs."""
        return (self.phone_confirmed_at if kind == "phone" else self.email_confirmed_at) is not None

    def address(self, kind: str) -> str | None:
        """Their address of a kind."""
        return self.phone if kind == "phone" else self.email

    def wanted(self, kind: str) -> str | None:
        """The address of a kind that they want to change to."""
        return self.phone_change if kind == "phone" else self.email_change

    def banned(self, at: datetime) -> bool:
        """Whether they may not sign in at a moment."""
        return self.banned_until is not None and at < moment(self.banned_until)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A device on which a person is signed in, or a program that acts for them; `users` is that person."""

    id: str
    user_id: str
    aal: str
    amr: list[dict[str, Any]]
    factor_id: str | None = None
    refresh_token_counter: int
    refresh_token_floor: int | None = None
    refreshed_at: str | None = None
    not_after: str | None = None
    user_agent: str | None = None
    ip: str | None = None
    tag: str | None = None
    oauth_client_id: str | None = None
    scopes: str | None = None
    created_at: str
    updated_at: str | None = None
    users: User | None = None

    def ended(self, at: datetime) -> bool:
        """Whether it may not go on at a moment, because another one has taken its place."""
        return self.not_after is not None and at >= moment(self.not_after)


class OneTimeToken(msgspec.Struct, frozen=True, kw_only=True):
    """A code or link that was sent; `users` is to whom."""

    id: str
    user_id: str
    token_type: str
    token_hash: str
    relates_to: str
    flow_state_id: str | None = None
    created_at: str
    users: User | None = None


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that ends with a code, or that goes through a provider."""

    id: str
    user_id: str | None = None
    auth_code: str | None = None
    auth_code_issued_at: str | None = None
    code_challenge: str
    code_challenge_method: str
    authentication_method: str
    state_hash: str | None = None
    browser_hash: str | None = None
    provider_type: str | None = None
    referrer: str | None = None
    client_state: str | None = None
    linking_target_id: str | None = None
    provider_access_token: str | None = None
    provider_refresh_token: str | None = None
    provider_account: str | None = None
    created_at: str


class SsoDomain(msgspec.Struct, frozen=True):
    """A domain of a company."""

    id: str
    sso_provider_id: str
    domain: str


class SsoProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A company that signs in its people."""

    id: str
    resource_id: str | None = None
    disabled: bool = False
    entity_id: str
    metadata_xml: str
    metadata_url: str | None = None
    attribute_mapping: dict[str, Any] | None = None
    name_id_format: str | None = None
    created_at: str
    updated_at: str | None = None
    sso_domains: list[SsoDomain] = []


class CustomProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that the service key has added."""

    id: str
    provider_type: str
    identifier: str
    name: str
    client_id: str
    client_secret: str
    acceptable_client_ids: list[str] = []
    scopes: list[str] = []
    pkce_enabled: bool = True
    attribute_mapping: dict[str, str] = {}
    custom_claims_allowlist: list[str] = []
    authorization_params: dict[str, str] = {}
    enabled: bool = True
    email_optional: bool = False
    skip_nonce_check: bool = False
    issuer: str | None = None
    discovery_url: str | None = None
    authorization_url: str | None = None
    token_url: str | None = None
    userinfo_url: str | None = None
    jwks_uri: str | None = None
    created_at: str
    updated_at: str | None = None


class Asker(msgspec.Struct, frozen=True):
    """From where somebody asks."""

    ip: str = ""
    user_agent: str = ""


class Challenge(msgspec.Struct, frozen=True):
    """With what a program begins a sign-in that it will end with a code (PKCE): `method` is s256 or plain."""

    text: str
    method: str


class Granted(msgspec.Struct, frozen=True):
    """What a person is signed in with. The access token lasts `expires_in` seconds, until the second `expires_at`."""

    access_token: str
    refresh_token: str
    expires_at: int
    expires_in: int
    user: User
    session: Session
    weak_password: tuple[str, ...] = ()
    reused: tuple[str, ...] | None = None
    """Of a refresh: why a token that had been used was answered, nothing where it had not."""
    provider_token: str = ""
    provider_refresh_token: str = ""


def now() -> datetime:
    """The current moment."""
    return datetime.now(UTC)


def moment(text: str) -> datetime:
    """A moment as a table holds it."""
    return datetime.fromisoformat(text)
