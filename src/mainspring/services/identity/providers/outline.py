"""What a provider is like, and what it says of somebody. Shapes only: no provider is named here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from mainspring.settings import Secret

POST: Final = "client_secret_post"
BASIC: Final = "client_secret_basic"
EITHER: Final = ""
"""How an application proves who it is is found out: by what the provider says of itself, and by asking."""
OURS: Final = frozenset(
    {
        "client_id",
        "client_secret",
        "redirect_uri",
        "response_type",
        "response_mode",
        "state",
        "nonce",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
    }
)
"""The parameters of a request to a provider that nobody but us sets."""
ALWAYS, NEVER = "always", "never"


@dataclass(frozen=True, slots=True)
class Outline:
    """A kind of provider, as data.

    `{base}` and `{api}` in addresses stand for where it runs, `{client_id}` in headers for ours. How claims are read is said
    in paths (see `reading`); `verified` is a path too, or ALWAYS, or NEVER where the provider does not say.
    """

    base: str = ""
    api: str = ""
    authorize: str = ""
    token: str = ""
    profile: str = ""
    emails: str = ""
    keys: str = ""
    issuer: str = ""
    issuers: tuple[str, ...] = ()
    discovers: bool = False
    scopes: tuple[str, ...] = ()
    subject: str = "sub"
    email: str = "email"
    verified: str = NEVER
    address: tuple[str, str, str] = ("email", "primary", "verified")
    claims: Mapping[str, str] = field(default_factory=dict)
    custom: tuple[str, ...] = ()
    authenticates: str = POST
    pkce: bool = True
    nonces: bool = True
    """Its ID tokens hold the nonce of the sign-in."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    proof: bool = False
    """What it is asked is signed with the client's secret as well (Facebook's appsecret_proof)."""
    posts: bool = False
    """It sends people back with a form (`response_mode=form_post`)."""
    signs: bool = False
    """The client's secret is a token signed with a key (Apple)."""
    needs_url: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as it is configured. `near` are the hosts that may be at private addresses."""

    name: str
    outline: Outline
    client_id: str
    client_secret: Secret = field(default_factory=Secret)
    client_ids: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    discovery: str = ""
    email_optional: bool = False
    trust_email: bool = False
    skip_nonce: bool = False
    near: frozenset[str] = frozenset()
    team_id: str = ""
    key_id: str = ""
    private_key: Secret = field(default_factory=Secret)

    @property
    def audiences(self) -> tuple[str, ...]:
        """The applications whose ID tokens are ours."""
        return (self.client_id, *self.client_ids)

    @property
    def speaks_oidc(self) -> bool:
        """Whether it issues ID tokens."""
        return bool(self.outline.issuer or self.outline.issuers)


class Endpoints(msgspec.Struct, frozen=True):
    """Where a provider is asked what. `names_itself`: it says which one it is when it sends somebody back (RFC 9207).

    `proofs` are the ways in which an application may prove who it is, the one to try first at the beginning.
    """

    authorize: str
    token: str
    profile: str = ""
    keys: str = ""
    issuer: str = ""
    names_itself: bool = False
    proofs: tuple[str, ...] = (POST,)


class Account(msgspec.Struct, frozen=True):
    """What a provider says of somebody.

    `verified`: it has made sure that the address is theirs. `apart`: a company's, which never joins another account.
    """

    provider: str
    subject: str
    email: str = ""
    verified: bool = False
    claims: dict[str, Any] = {}
    email_optional: bool = False
    apart: bool = False

    def data(self) -> dict[str, Any]:
        """What an identity remembers of it."""
        said = {"sub": self.subject, "provider_id": self.subject, "phone_verified": False}
        address = {"email": self.email, "email_verified": self.verified} if self.email else {"email_verified": False}
        return {**self.claims, **said, **address}
