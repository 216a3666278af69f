"""Hashes of passwords that were made elsewhere: which are taken, and the check of those that are none of argon2.

bcrypt (extra: bcrypt), argon2, and Firebase's scrypt as GoTrue writes it. How much work a hash may be is bounded, since whoever
tries a password makes us do it (for argon2, GoTrue's bounds).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

from mainspring.errors import BodyInvalid, NotSupported

_BASE64: Final = "[A-Za-z0-9+/]+={0,2}"
_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}\Z")
_BCRYPT_COSTS: Final = range(4, 17)
_BCRYPT_BYTES: Final = 72
"""So much of a password bcrypt looks at; whoever has a hash of it chose no longer one."""
_ARGON2: Final = re.compile(r"\$argon2(?:id|i|d)\$v=\d+\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+\Z")
_ARGON2_MOST: Final = (1 << 20, 20, 16)
"""Memory in KiB, iterations, lanes."""
_FIREBASE: Final = re.compile(
    rf"\$fbscrypt\$v=1,n=(\d{{1,9}}),r=(\d{{1,9}}),p=(\d{{1,9}})(?:,ss=({_BASE64}))?,sk=({_BASE64})\$({_BASE64})\$({_BASE64})\Z"
)
_SCRYPT_MEMORY: Final = 128 << 20
_SCRYPT_LANES: Final = 4
_KEY_BYTES: Final = 32


def demand(kept: str) -> None:
    """Return when passwords can be checked against the hash. Raises BodyInvalid, NotSupported."""
    if bcrypt := _BCRYPT.match(kept):
        _demand(int(bcrypt[1]) in _BCRYPT_COSTS)
        _bcrypt()
    elif argon2 := _ARGON2.match(kept):
        _demand(all(int(said) <= most for said, most in zip(argon2.groups(), _ARGON2_MOST, strict=True)))
    else:
        _Firebase.read(kept)


def checked(kept: str) -> Callable[[bytes], bool] | None:
    """The check of a hash that is taken and none of argon2; None for all others. Raises NotSupported."""
    bcrypt = _BCRYPT.match(kept)
    if bcrypt and int(bcrypt[1]) in _BCRYPT_COSTS:
        check = _bcrypt()
        return lambda raw: check(raw[:_BCRYPT_BYTES], kept.encode()) and len(raw) <= _BCRYPT_BYTES
    try:
        return _Firebase.read(kept).check if _FIREBASE.match(kept) else None
    except BodyInvalid:
        return None


class _Firebase:
    """Firebase's own use of scrypt: what it derives from a password encrypts the project's key, and that is the hash."""

    def __init__(self, costs: tuple[int, int, int], salt: bytes, key: bytes, hashed: bytes) -> None:
        self._costs, self._salt, self._key, self._hashed = costs, salt, key, hashed

    @classmethod
    def read(cls, kept: str) -> _Firebase:
        """A hash as GoTrue writes it. Raises BodyInvalid."""
        found = _FIREBASE.match(kept)
        if found is None:
            raise BodyInvalid("The password hash is none of bcrypt, argon2 and Firebase's scrypt")
        power, size, lanes = (int(found[place]) for place in (1, 2, 3))
        _demand(0 < power < 32 and 0 < lanes <= _SCRYPT_LANES and 0 < 128 * size << power <= _SCRYPT_MEMORY)
        try:
            separator, key, salt, hashed = (base64.b64decode(part or "", validate=True) for part in found.groups()[3:])
        except binascii.Error:
            raise BodyInvalid("The password hash is not in base64") from None
        return cls((1 << power, size, lanes), salt + separator, key, hashed)

    def check(self, raw: bytes) -> bool:
        """Whether a password is the one hashed."""
        from cryptography.hazmat.primitives.ciphers import Cipher  # here: few processes ever check one
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        n, r, p = self._costs
        derived = hashlib.scrypt(raw, salt=self._salt, n=n, r=r, p=p, maxmem=2 * _SCRYPT_MEMORY, dklen=_KEY_BYTES)
        cipher = Cipher(AES(derived), CTR(bytes(16))).encryptor()  # the same every time, as Firebase does it: it is no secret
        return hmac.compare_digest(cipher.update(self._key) + cipher.finalize(), self._hashed)


def _demand(bearable: bool) -> None:
    if not bearable:
        raise BodyInvalid("The password hash takes too much work to be checked")


def _bcrypt() -> Callable[[bytes, bytes], bool]:
    """The check of bcrypt hashes. Raises NotSupported where the library is not installed."""
    try:
        from bcrypt import checkpw
    except ImportError:
        raise NotSupported("bcrypt hashes of passwords", instead="pip install 'mainspring[bcrypt]'") from None
    return checkpw
