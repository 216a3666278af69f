"""How what a provider says is read: paths into its JSON. Pure; whatever is not there, or is of another kind, is nothing.

A path is keys with `>` between them (a number is a place in a list); with `+` between paths their texts are joined.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mainspring.errors import AddressInvalid
from mainspring.services.identity import addresses
from mainspring.services.identity.providers.outline import ALWAYS, NEVER, Account, Outline, Provider

_LONGEST: Final = 1024
_MOST_CUSTOM: Final = 2048
_TRUTH: Final = frozenset({"true", "1"})
_STANDARD: Final = ("name", "given_name", "family_name", "nickname", "preferred_username", "picture", "locale")


def at(document: Any, path: str) -> Any:
    """What is at a path."""
    for key in path.split(">"):
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and key.isascii() and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document


def text(document: Any, paths: str) -> str:
    """The text at a path, or of several; a number as its digits."""
    found = [_text(at(document, path.strip())) for path in paths.split("+")] if paths else []
    return " ".join(filter(None, found))


def truth(value: Any) -> bool:
    """Whether something is said to be so. Providers write it as a boolean, a number, a text or a moment."""
    return value.lower() in _TRUTH if isinstance(value, str) else value is True or value == 1


def account(provider: Provider, profile: Any, emails: Any = None, *, token: bool = False) -> Account | None:
    """Who somebody is, by the provider's documents or (`token`) by its ID token; None where it does not say who."""
    outline = provider.outline
    subject = text(profile, "sub" if token else outline.subject)
    if not subject:
        return None
    email, verified = _listed(outline, emails) if outline.emails and not token else _said(outline, profile)
    if email and provider.trust_email:
        verified = True
    return Account(provider.name, subject, email, verified, _claims(outline, profile), provider.email_optional)


def _said(outline: Outline, profile: Any) -> tuple[str, bool]:
    email = _email(text(profile, outline.email) or text(profile, "email"))
    if outline.verified in (ALWAYS, NEVER):
        return email, outline.verified == ALWAYS and bool(email)
    paths = [path.strip() for path in outline.verified.split("+")]
    return email, bool(email) and all(truth(at(profile, path)) or _past(path, at(profile, path)) for path in paths)


def _past(path: str, said: Any) -> bool:
    """Whether a moment is said at which it became so."""
    return path.endswith("_at") and isinstance(said, str) and bool(said)


def _listed(outline: Outline, emails: Any) -> tuple[str, bool]:
    """The address that counts of several: the primary one where that is verified, else another that is, else any."""
    name, primary, verified = outline.address
    if isinstance(emails, dict):
        emails = emails.get("values")
    found = [each for each in emails if isinstance(each, dict)] if isinstance(emails, list) else []
    listed = [(_email(text(each, name)), truth(at(each, verified)), truth(at(each, primary))) for each in found]
    ranked = sorted((each for each in listed if each[0]), key=lambda each: (each[1], each[2]), reverse=True)
    return (ranked[0][0], ranked[0][1]) if ranked else ("", False)


def _claims(outline: Outline, profile: Any) -> dict[str, Any]:
    found = {name: text(profile, name) for name in _STANDARD}
    found |= {name: text(profile, path) or found.get(name, "") for name, path in outline.claims.items()}
    claims: dict[str, Any] = {name: said for name, said in found.items() if said}
    claims |= {"iss": outline.issuer or outline.api or outline.base}
    if "name" in claims:
        claims.setdefault("full_name", claims["name"])
    if "picture" in claims:
        claims.setdefault("avatar_url", claims["picture"])
    custom = {name: at(profile, name) for name in outline.custom}
    custom = {name: value for name, value in custom.items() if value is not None}
    if custom and _fits(custom):
        claims["custom_claims"] = custom
    return claims


def _fits(custom: dict[str, Any]) -> bool:
    """Whether so much may be remembered of somebody; their tokens hold it, too."""
    try:
        return len(msgspec.json.encode(custom)) <= _MOST_CUSTOM
    except (ValueError, RecursionError):
        return False


def _email(said: str) -> str:
    try:
        return addresses.email(said) if said else ""
    except AddressInvalid:
        return ""


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        return ""
    return "".join(character for character in value if character >= " " and not "\ud800" <= character <= "\udfff").strip()
