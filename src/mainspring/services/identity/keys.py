"""The signing keys and the two API keys, in a folder of files only their owner can read.

Each is made once and published atomically, so that processes that start at once agree.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from mainspring.errors import ConfigError, Mistake
from mainspring.observe import KeysCreated, Sink, discard
from mainspring.principal import ANON, SERVICE
from mainspring.settings import AuthSettings, Secret

Algorithm = Literal["ES256", "HS256"]
SIGNING_KEY_FILE: Final = "es256.pem"
SECRET_FILE: Final = "identity.secret"
API_KEY_SECONDS: Final = 10 * 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys tokens are signed and checked with. `secret` is empty where HS256 is not in use."""

    private: ec.EllipticCurvePrivateKey
    kid: str
    secret: Secret
    signs_with: Algorithm
    issuer: str

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with `claims`, signed with the key that signs new tokens."""
        if self.signs_with == "HS256":
            return jwt.encode(claims, self.secret.reveal(), algorithm="HS256")
        return jwt.encode(claims, self.private, algorithm="ES256", headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """The public keys, as RFC 7517 has them; a shared secret is never among them."""
        public = {
            **_public_jwk(self.private),
            "kid": self.kid,
            "alg": "ES256",
            "use": "sig",
            "key_ops": ["verify"],
        }
        return {"keys": [public]}


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The two keys a project hands out, and where the secret one lies."""

    anon: str
    service: Secret
    service_file: Path


def open_keys(folder: Path, auth: AuthSettings, observe: Sink = discard) -> KeySet:
    """The keys in `folder`, made first where there are none.

    Raises ConfigError when a file there cannot be read or is no ES256 key.
    """
    path = folder / SIGNING_KEY_FILE
    try:
        if not path.exists():
            _publish(path, _new_private_pem())
            observe(KeysCreated(str(folder)))
        private = _parse_private(path.read_bytes())
    except OSError as error:
        raise ConfigError([Mistake(str(path), f"cannot be read or made: {error.strerror or error}")]) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        hint = "restore it from a backup, or remove it to have a new one made (old tokens end)"
        raise ConfigError([Mistake(str(path), "is not an ES256 (P-256) private key in PEM form", hint)]) from error
    secret = auth.jwt_secret
    signs_with: Algorithm = "ES256" if auth.jwt_algorithm == "ES256" or not secret else "HS256"
    return KeySet(private, _thumbprint(_public_jwk(private)), secret, signs_with, auth.issuer)


def open_api_keys(folder: Path, keys: KeySet) -> ApiKeys:
    """The anon and service_role keys that `keys` signs: made once, the same ever after.

    Raises ConfigError when a file in `folder` cannot be read or made.
    """
    mark = _mark(keys)
    anon = folder / f"{ANON}.{mark}.jwt"
    service = folder / f"{SERVICE}.{mark}.jwt"
    return ApiKeys(_open_api_key(anon, ANON, keys), Secret(_open_api_key(service, SERVICE, keys)), service)


def open_secret(folder: Path) -> bytes:
    """What codes and refresh tokens are signed with: 32 random bytes, made once. Raises ConfigError."""
    path = folder / SECRET_FILE
    try:
        if not path.exists():
            _publish(path, secrets.token_bytes(32))
        found = path.read_bytes()
    except OSError as error:
        raise ConfigError([Mistake(str(path), f"cannot be read or made: {error.strerror or error}")]) from error
    if len(found) != 32:
        hint = "restore it from a backup, or remove it (everybody signs in anew)"
        raise ConfigError([Mistake(str(path), "has not 32 bytes", hint)])
    return found


def _open_api_key(path: Path, role: str, keys: KeySet) -> str:
    try:
        if not path.exists():
            now = int(time.time())
            claims = {"iss": keys.issuer, "role": role, "iat": now, "exp": now + API_KEY_SECONDS}
            _publish(path, keys.sign(claims).encode() + b"\n")
        return path.read_text("ascii").strip()
    except OSError as error:
        raise ConfigError([Mistake(str(path), f"cannot be read or made: {error.strerror or error}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Mistake(str(path), "is not a token", "remove it to have a new one made")]) from error


def _mark(keys: KeySet) -> str:
    """Tells the API keys of one signing key from those of another: a changed secret makes new ones."""
    if keys.signs_with == "ES256":
        return keys.kid[:12]
    return hmac.new(keys.secret.reveal().encode(), b"mainspring api keys", hashlib.sha256).hexdigest()[:12]


def _publish(path: Path, content: bytes) -> None:
    """Give `path` `content` whole or not at all; where another process was first, its content stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, a link never replaces what is there
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _new_private_pem() -> bytes:
    private = ec.generate_private_key(ec.SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _parse_private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    private = load_pem_private_key(pem, password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise ValueError("another kind of key")
    return private


def _public_jwk(private: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The members RFC 7638 takes for the thumbprint of an EC key."""
    numbers = private.public_key().public_numbers()
    x, y = (_base64url(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _thumbprint(jwk: dict[str, str]) -> str:
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return _base64url(hashlib.sha256(canonical).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
