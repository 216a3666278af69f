"""An authenticator in software, as a browser drives it: it makes ES256 keys and signs with them (WebAuthn, no attestation)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

AAGUID = bytes.fromhex("ea9b8d664d011d213ce4b6b48cb575d4")
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(said: str) -> bytes:
    return base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))


@dataclass
class Authenticator:
    """A device with at most one key, in a browser on a page of `origin`. `counts`: it counts its signatures."""

    origin: str
    counts: bool = True
    backed_up: bool = False
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user: bytes = b""
    count: int = 0

    @property
    def public(self) -> bytes:
        """The public half of its key (COSE)."""
        numbers = self.private.public_key().public_numbers()
        x, y = (part.to_bytes(32, "big") for part in (numbers.x, numbers.y))
        return bytes(cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y}))

    def create(self, options: dict[str, Any], **odd: Any) -> dict[str, Any]:
        """What a browser answers to creation options. `odd` says otherwise than a good one: origin, rp, challenge, kind."""
        self.user = raw(options["user"]["id"])
        client = self._client(odd.get("kind", "webauthn.create"), odd.get("challenge", options["challenge"]), odd)
        attested = AAGUID + struct.pack(">H", len(self.id)) + self.id + self.public
        data = self._data(odd.get("rp", options["rp"]["id"]), AT) + attested
        attestation = cbor2.dumps({"fmt": odd.get("fmt", "none"), "attStmt": {}, "authData": data})
        response = {"clientDataJSON": text(client), "attestationObject": text(attestation), "transports": ["internal", "odd"]}
        return self._credential(response)

    def get(self, options: dict[str, Any], **odd: Any) -> dict[str, Any]:
        """What a browser answers to request options."""
        if self.counts:
            self.count += 1
        client = self._client(odd.get("kind", "webauthn.get"), odd.get("challenge", options["challenge"]), odd)
        data = self._data(odd.get("rp", options["rpId"]), 0)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(data),
            "signature": text(signature),
            "userHandle": text(odd.get("user", self.user)),
        }
        return self._credential(response)

    def _client(self, kind: str, challenge: str, odd: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": odd.get("origin", self.origin), "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, rp: str, flags: int) -> bytes:
        flags |= UP | UV | ((BE | BS) if self.backed_up else 0)
        return hashlib.sha256(rp.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        told = {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}
        return {**told, "clientExtensionResults": {}, "authenticatorAttachment": "platform"}
