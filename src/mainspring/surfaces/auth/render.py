"""Users and sessions in GoTrue's JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from mainspring.services.identity.people import Factor, Granted, Identity, User
from mainspring.services.identity.store import Entry
from mainspring.settings import AuthSettings, SmsSettings

PROVIDERS = (
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "kakao",
    "keycloak",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "slack",
    "slack_oidc",
    "snapchat",
    "spotify",
    "twitch",
    "twitter",
    "workos",
    "zoom",
)
"""Where people may be known elsewhere, as clients ask for it."""


def user(found: User) -> dict[str, Any]:
    """A user."""
    both = [each for each in (found.email_confirmed_at, found.phone_confirmed_at) if each]
    optional = {
        "email_confirmed_at": found.email_confirmed_at,
        "invited_at": found.invited_at,
        "phone_confirmed_at": found.phone_confirmed_at,
        "confirmation_sent_at": found.confirmation_sent_at,
        "confirmed_at": min(both) if both else None,
        "recovery_sent_at": found.recovery_sent_at,
        "email_change_sent_at": found.email_change_sent_at,
        "phone_change_sent_at": found.phone_change_sent_at,
        "reauthentication_sent_at": found.reauthentication_sent_at,
        "last_sign_in_at": found.last_sign_in_at,
        "banned_until": found.banned_until,
        "deleted_at": found.deleted_at,
        "created_at": found.created_at,
        "updated_at": found.updated_at or found.created_at,
    }
    named = {"new_email": found.email_change, "new_phone": found.phone_change}
    return {
        "id": found.id,
        "aud": found.aud or "",
        "role": found.role or "",
        "email": found.email or "",
        "phone": found.phone or "",
        **{name: moment(value) for name, value in optional.items() if value},
        **{name: value for name, value in named.items() if value},
        "app_metadata": found.raw_app_meta_data or {},
        "user_metadata": found.raw_user_meta_data or {},
        **({"factors": [factor(each) for each in found.factors]} if found.factors else {}),
        "identities": [_identity(each) for each in found.identities],
        "is_anonymous": found.is_anonymous,
    }


def user_document(found: User) -> bytes:
    """A user, as bytes."""
    return json(user(found))


def factor(found: Factor) -> dict[str, Any]:
    """A second factor; nothing secret of it."""
    told: dict[str, Any] = {
        "id": found.id,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at or found.created_at),
        "status": found.status,
        "factor_type": found.factor_type,
        "phone": found.phone,
        "last_challenged_at": moment(found.last_challenged_at) if found.last_challenged_at else None,
    }
    if found.friendly_name:
        told["friendly_name"] = found.friendly_name
    if found.web_authn_aaguid:
        told["web_authn_aaguid"] = found.web_authn_aaguid
    return told


def _identity(found: Identity) -> dict[str, Any]:
    told = {
        "identity_id": found.id,
        "id": found.provider_id,
        "user_id": found.user_id,
        "identity_data": found.identity_data or {},
        "provider": found.provider,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at or found.created_at),
    }
    if found.last_sign_in_at:
        told["last_sign_in_at"] = moment(found.last_sign_in_at)
    if found.email:
        told["email"] = found.email
    return told


def entry(found: Entry) -> dict[str, Any]:
    """A line of the audit log."""
    return {
        "id": found.id,
        "payload": found.payload,
        "created_at": moment(found.created_at),
        "ip_address": found.ip_address or "",
    }


def session(granted: Granted) -> dict[str, Any]:
    """What somebody is signed in with."""
    told: dict[str, Any] = {**tokens(granted), **_elsewhere(granted), "user": user(granted.user)}
    if granted.weak_password:
        told["weak_password"] = {"message": "Password is known to be weak", "reasons": granted.weak_password}
    return told


def fragment(granted: Granted, kind: str = "") -> str:
    """The same, as a browser takes it along to the page it is sent to."""
    told = {**tokens(granted), **_elsewhere(granted), "sb": ""} | ({"type": kind} if kind else {})
    return urlencode(sorted(told.items()))


def _elsewhere(granted: Granted) -> dict[str, str]:
    """The tokens of the provider through which somebody has just signed in."""
    told = {"provider_token": granted.provider_token, "provider_refresh_token": granted.provider_refresh_token}
    return {name: token for name, token in told.items() if token}


def tokens(granted: Granted) -> dict[str, Any]:
    """The tokens alone."""
    return {
        "access_token": granted.access_token,
        "token_type": "bearer",
        "expires_in": granted.expires_in,
        "expires_at": granted.expires_at,
        "refresh_token": granted.refresh_token,
    }


def settings(auth: AuthSettings, sms: SmsSettings, providers: Collection[str] = (), *, passkeys: bool = False) -> dict[str, Any]:
    """What clients may know of the settings; `providers` are those through which people sign in."""
    known = {"anonymous_users": auth.anonymous, "email": auth.email, "phone": auth.phone}
    external = dict.fromkeys(PROVIDERS, False) | dict.fromkeys(providers, True) | known
    return {
        "external": external,
        "disable_signup": not auth.signup,
        "mailer_autoconfirm": auth.autoconfirm,
        "phone_autoconfirm": auth.phone_autoconfirm,
        "sms_provider": sms.provider,
        "saml_enabled": auth.saml,
        "saml_private_key_next_configured": False,
        "passkeys_enabled": passkeys,
    }


def json(value: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """As bytes."""
    return msgspec.json.encode(value)


def moment(text: str) -> str:
    """A moment as GoTrue writes it."""
    return text.replace("+00:00", "Z")
