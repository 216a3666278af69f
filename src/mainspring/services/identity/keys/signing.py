"""Private keys that sign tokens, each a file of the key folder whose name says with which algorithm and from when it signs.

`es256.pem` signs from the beginning, `es256.1790000000.pem` from that second on. The listing of the folder says it all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import get_default_algorithms

from mainspring.errors import ConfigError, Mistake
from mainspring.services.identity.keys.folder import publish, unreadable

Algorithm = Literal["ES256", "RS256"]
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Public = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_NAME: Final = re.compile(r"(es256|rs256)(?:\.(\d{1,12}))?\.pem\Z")
_BY_NAME: Final[Mapping[str, Algorithm]] = {"es256": "ES256", "rs256": "RS256"}
_WHAT: Final = {"ES256": "an ES256 (P-256)", "RS256": "an RS256 (RSA, 2048 bits or more)"}
_RSA_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key and the second from which on it signs; its `kid` is the thumbprint of RFC 7638."""

    path: Path
    algorithm: Algorithm
    signs_from: int
    private: Private = field(repr=False)
    public: Public
    members: Mapping[str, str]
    kid: str

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with `claims`."""
        return written(claims, self.algorithm, self.private, self.kid)

    def jwk(self) -> dict[str, Any]:
        """The public key, as RFC 7517 has it."""
        return {**self.members, "kid": self.kid, "alg": self.algorithm, "use": "sig", "key_ops": ["verify"]}


def written(claims: Mapping[str, Any], algorithm: str, key: Any, kid: str | None = None) -> str:
    """A token in compact form (RFC 7515), signed with a key as PyJWT prepares it, which is not asked each time to prepare it."""
    said = f"{_head(algorithm, kid)}.{_base64url(msgspec.json.encode(claims))}"
    return f"{said}.{_base64url(_SIGNERS[algorithm].sign(said.encode(), key))}"


@lru_cache(maxsize=64)
def _head(algorithm: str, kid: str | None) -> str:
    head = {"alg": algorithm, "typ": "JWT"} | ({} if kid is None else {"kid": kid})
    return _base64url(msgspec.json.encode(head))


_SIGNERS: Final[Mapping[str, Any]] = get_default_algorithms()


def make(folder: Path, algorithm: Algorithm, signs_from: int = 0) -> Path:
    """A new key in `folder`; where another process has just made it, that one. Raises OSError."""
    path = folder / f"{algorithm.lower()}{f'.{signs_from}' if signs_from else ''}.pem"
    if not path.exists():
        publish(path, _new_pem(algorithm))
    return path


def found(folder: Path, known: Mapping[Path, SigningKey]) -> list[SigningKey]:
    """The keys in `folder`, in the order in which they sign; those `known` are not read again. Raises ConfigError."""
    try:
        paths = [path for path in folder.iterdir() if _NAME.match(path.name)] if folder.exists() else []
    except OSError as error:
        raise unreadable(folder, error) from error
    keys = [known.get(path) or read(path) for path in paths]
    return sorted(keys, key=lambda key: (key.algorithm, key.signs_from))


def read(path: Path) -> SigningKey:
    """The key in a file. Raises ConfigError."""
    named = _NAME.match(path.name)
    assert named is not None
    algorithm = _BY_NAME[named[1]]
    try:
        private = _parse(path.read_bytes(), algorithm)
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        hint = "restore it from a backup, or remove it to have a new one made (old tokens end)"
        raise ConfigError([Mistake(str(path), f"is not {_WHAT[algorithm]} private key in PEM form", hint)]) from error
    public = private.public_key()
    members = _members(public)
    return SigningKey(path, algorithm, int(named[2] or 0), private, public, members, _thumbprint(members))


def _new_pem(algorithm: Algorithm) -> bytes:
    private = _new(algorithm)
    while _thumbprint(_members(private.public_key())).startswith("-"):  # commands would take its id for an option
        private = _new(algorithm)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _new(algorithm: Algorithm) -> Private:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)


def _parse(pem: bytes, algorithm: Algorithm) -> Private:
    private = load_pem_private_key(pem, password=None)
    if algorithm == "ES256" and isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return private
    if algorithm == "RS256" and isinstance(private, rsa.RSAPrivateKey) and private.key_size >= _RSA_BITS:
        return private
    raise ValueError("another kind of key")


def _members(public: Public) -> dict[str, str]:
    """The members RFC 7638 takes for the thumbprint."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        x, y = (_base64url(part.to_bytes(32, "big")) for part in (point.x, point.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    numbers = public.public_numbers()
    e, n = (_base64url(part.to_bytes((part.bit_length() + 7) // 8, "big")) for part in (numbers.e, numbers.n))
    return {"e": e, "kty": "RSA", "n": n}


def _thumbprint(members: Mapping[str, str]) -> str:
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return _base64url(hashlib.sha256(canonical).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
