"""What a signed assertion says of somebody, when it is for us, for this request, and of now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from mainspring.errors import AddressInvalid, AssertionInvalid, AssertionSilent
from mainspring.services.identity import addresses
from mainspring.services.identity.providers.outline import Account
from mainspring.services.identity.saml.formats import EMAIL, TRANSIENT
from mainspring.services.identity.saml.xml import NAMES, only, text

_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_LEEWAY: Final = timedelta(seconds=60)
_UNASKED: Final = timedelta(days=1)
"""What was used is remembered for longer (`tokens.revocations`)."""
_LONGEST: Final = 1024
_MOST: Final = 64
_SUBJECT_IDS: Final = ("urn:oasis:names:tc:SAML:attribute:subject-id", "urn:oasis:names:tc:SAML:attribute:pairwise-id")
_MAILS: Final = (
    "email",
    "mail",
    "Email",
    "emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "http://schemas.xmlsoap.org/claims/EmailAddress",
)


class Expected(msgspec.Struct, frozen=True):
    """For whom an assertion must be: by which company, to whom, sent where, as the answer to which request (None: to none)."""

    issuer: str
    audience: str
    consumer: str
    request: str | None


def check(assertion: Any, expected: Expected, at: datetime) -> None:
    """Return when it is for us and of now. Raises AssertionInvalid."""
    if text(only(assertion, "saml:Issuer")) != expected.issuer:
        raise AssertionInvalid("it is another company's")
    subject = only(assertion, "saml:Subject")
    if not any(_confirms(each, expected, at) for each in subject.findall("saml:SubjectConfirmation", NAMES)):
        raise AssertionInvalid("it is not for us, for another request, or too old")
    if expected.request is None:
        _check_recent(assertion, at)
    conditions = only(assertion, "saml:Conditions")
    _check_time(conditions, at)
    restrictions = conditions.findall("saml:AudienceRestriction", NAMES)
    if not restrictions:
        raise AssertionInvalid("it does not say for whom it is")
    for each in restrictions:
        if expected.audience not in [text(audience) for audience in each.findall("saml:Audience", NAMES)]:
            raise AssertionInvalid("it is for somebody else")
    if not assertion.findall("saml:AuthnStatement", NAMES):
        raise AssertionInvalid("it does not say that anybody has signed in")


def _confirms(confirmation: Any, expected: Expected, at: datetime) -> bool:
    said = confirmation.find("saml:SubjectConfirmationData", NAMES)
    if confirmation.get("Method") != _BEARER or said is None or said.get("NotBefore") is not None:
        return False
    ends = _moment(said.get("NotOnOrAfter"))
    in_time = ends is not None and at < ends + _LEEWAY
    return in_time and said.get("Recipient") == expected.consumer and said.get("InResponseTo") == expected.request


def _check_recent(assertion: Any, at: datetime) -> None:
    """What answers no request could be told again once it is forgotten that it was used."""
    issued = _moment(assertion.get("IssueInstant"))
    if issued is None or not at - _UNASKED < issued < at + _LEEWAY:
        raise AssertionInvalid("nobody has asked for it, and it is not of today")


def _check_time(conditions: Any, at: datetime) -> None:
    begins, ends = _moment(conditions.get("NotBefore")), _moment(conditions.get("NotOnOrAfter"))
    if (begins is not None and at + _LEEWAY < begins) or ends is None or at >= ends + _LEEWAY:
        raise AssertionInvalid("it does not hold now")


def _moment(said: str | None) -> datetime | None:
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said.strip())
    except ValueError:
        raise AssertionInvalid("it says a moment that is none") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def account(assertion: Any, provider: str, issuer: str, mapping: Mapping[str, Any] | None) -> Account:
    """Who somebody is. Raises AssertionSilent."""
    name = only(only(assertion, "saml:Subject"), "saml:NameID")
    said, form = _attributes(assertion), name.get("Format")
    ids = [values[0] for each in _SUBJECT_IDS if (values := said.get(each))]
    identity = ids[0] if ids else text(name) if form != TRANSIENT else ""
    if not identity or len(identity) > _LONGEST:
        raise AssertionSilent("id")
    claims = _mapped(said, (mapping or {}).get("keys") or {})
    mails = [claims.pop("email", None), *(values[0] for each in _MAILS if (values := said.get(each)))]
    email = _email([*mails, text(name) if form == EMAIL else None])
    return Account(provider, identity, email, True, {"iss": issuer, **({"custom_claims": claims} if claims else {})}, apart=True)


def _attributes(assertion: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in assertion.findall("saml:AttributeStatement/saml:Attribute", NAMES)[:_MOST]:
        values = [text(value)[:_LONGEST] for value in each.findall("saml:AttributeValue", NAMES)[:_MOST]]
        for key in (each.get("Name"), each.get("FriendlyName")):
            if key and any(values):
                found.setdefault(key, [value for value in values if value])
    return found


def _mapped(said: Mapping[str, list[str]], keys: Mapping[str, Any]) -> dict[str, Any]:
    """The claims that a mapping names, bounded: tokens hold them too."""
    claims: dict[str, Any] = {}
    for claim, how in list(keys.items())[:_MOST]:
        names = [how.get("name"), *(how.get("names") or [])] if isinstance(how, dict) else []
        values = next((said[each] for each in names if isinstance(each, str) and each in said), None)
        if values is not None:
            claims[claim] = values[:8] if how.get("array") else values[0]
        elif isinstance(how, dict) and isinstance(how.get("default"), str | bool | int | float):
            claims[claim] = how["default"]
    return claims if sum(len(str(value)) for value in claims.values()) <= 2 * _LONGEST else {}


def _email(candidates: list[Any]) -> str:
    for each in candidates:
        try:
            if isinstance(each, str) and each:
                return addresses.email(each)
        except AddressInvalid:
            continue
    raise AssertionSilent("email")
