"""The relying party of WebAuthn: what browsers are asked to do with keys, and whether what they answer holds.

The library that checks answers comes with the extra `passkeys` and is loaded when the first one comes.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from mainspring.errors import CeremonyFailed
from mainspring.services.identity.addresses import is_ip
from mainspring.services.identity.people import User
from mainspring.settings import AuthSettings

ALGORITHMS: Final = (-8, -7, -257)
"""EdDSA, ES256, RS256."""
_TIMEOUT: Final = 300_000
_CHALLENGE_BYTES: Final = 32
_LONGEST_ID: Final = 1023
_PORTS: Final = {"https": 443, "http": 80}


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of a key, as an authenticator told it. Bytes are base64url."""

    credential_id: str
    public_key: str
    sign_count: int = 0
    aaguid: str | None = None
    transports: list[str] = []
    backup_eligible: bool = False


class RelyingParty:
    """The site that keys belong to. `site` says what the settings leave open."""

    def __init__(self, auth: AuthSettings, site: str) -> None:
        own = [_origin(site)]
        domain = urlsplit(site).hostname or "localhost"
        if is_ip(domain):  # a browser takes no address for a domain: on this machine it has a name
            domain = "localhost"
            own.append(_origin(site, domain))
        self.id = auth.webauthn_rp_id or domain
        self.name = auth.webauthn_rp_name or self.id
        self.origins = [_origin(each) for each in auth.webauthn_origins] or own
        self.available = find_spec("webauthn") is not None

    # ------------------------------------------------------------ asking

    def creation(self, user: User, challenge: str, exclude: Sequence[Key], *, resident: bool) -> dict[str, Any]:
        """What a browser needs to make a key; a `resident` one can sign in somebody who does not say who they are."""
        name = user.email or user.phone or user.id
        called = (user.raw_user_meta_data or {}).get("name")
        selection = {"residentKey": "required", "requireResidentKey": True} if resident else {"requireResidentKey": False}
        return {
            "rp": {"id": self.id, "name": self.name},
            "user": {
                "id": encoded(user.id.encode()),
                "name": name,
                "displayName": called if isinstance(called, str) and called else name,
            },
            "challenge": challenge,
            "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in ALGORITHMS],
            "timeout": _TIMEOUT,
            "excludeCredentials": [_descriptor(each) for each in exclude],
            "authenticatorSelection": {**selection, "userVerification": "preferred"},
            "attestation": "none",
        }

    def request(self, challenge: str, allow: Sequence[Key] = ()) -> dict[str, Any]:
        """What a browser needs to answer with a key: one of those allowed, or any that the site's people have."""
        told: dict[str, Any] = {
            "challenge": challenge,
            "timeout": _TIMEOUT,
            "rpId": self.id,
            "userVerification": "preferred",
        }
        return {**told, "allowCredentials": [_descriptor(each) for each in allow]} if allow else told

    # ------------------------------------------------------------ checking

    async def created(self, response: Mapping[str, Any], challenge: str) -> Key:
        """The key that a browser has made. Raises CeremonyFailed."""
        return await asyncio.to_thread(self._created, response, challenge)

    async def asserted(self, response: Mapping[str, Any], challenge: str, key: Key, user: str) -> int:
        """How often the key has signed by now, which is more than before where it counts. Raises CeremonyFailed."""
        return await asyncio.to_thread(self._asserted, response, challenge, key, user)

    def _created(self, response: Mapping[str, Any], challenge: str) -> Key:
        from webauthn import verify_registration_response
        from webauthn.helpers.cose import COSEAlgorithmIdentifier

        try:
            found = verify_registration_response(
                credential=dict(response),
                expected_challenge=decoded(challenge),
                expected_rp_id=self.id,
                expected_origin=self.origins,
                supported_pub_key_algs=[COSEAlgorithmIdentifier(each) for each in ALGORITHMS],
            )
        except Exception as error:  # an answer out of shape fails in many ways
            raise CeremonyFailed from error
        if encoded(found.credential_id) != response["id"] or len(found.credential_id) > _LONGEST_ID:
            raise CeremonyFailed
        return Key(
            credential_id=encoded(found.credential_id),
            public_key=encoded(found.credential_public_key),
            sign_count=found.sign_count,
            aaguid=found.aaguid,
            transports=_transports(response),
            backup_eligible=found.credential_device_type.value == "multi_device",
        )

    def _asserted(self, response: Mapping[str, Any], challenge: str, key: Key, user: str) -> int:
        from webauthn import verify_authentication_response

        try:
            found = verify_authentication_response(
                credential=dict(response),
                expected_challenge=decoded(challenge),
                expected_rp_id=self.id,
                expected_origin=self.origins,
                credential_public_key=decoded(key.public_key),
                credential_current_sign_count=key.sign_count,
            )
            handle = response["response"].get("userHandle")
            same_user = handle is None or decoded(handle) == user.encode()
        except Exception as error:
            raise CeremonyFailed from error
        same_kind = (found.credential_device_type.value == "multi_device") == key.backup_eligible
        if encoded(found.credential_id) != key.credential_id or not same_user or not same_kind:
            raise CeremonyFailed
        return found.new_sign_count


def new_challenge() -> str:
    """Something to sign that nobody has signed before."""
    return encoded(secrets.token_bytes(_CHALLENGE_BYTES))


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of it. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _descriptor(key: Key) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "public-key", "id": key.credential_id}
    return {**told, "transports": key.transports} if key.transports else told


def _transports(response: Mapping[str, Any]) -> list[str]:
    """How a browser reaches the key again, as far as it says so in words that are known."""
    said = response["response"].get("transports")
    known = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")
    return [each for each in known if isinstance(said, list) and each in said]


def _origin(url: str, host: str = "") -> str:
    """An origin as browsers write it."""
    parts = urlsplit(url)
    named = host or parts.hostname or ""
    named = f"[{named}]" if ":" in named else named
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{named}{port}"
