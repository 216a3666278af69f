"""Which keys sign and verify tokens now: those of the key folder, by the clock, and the shared secret where there is one.

A key signs from the second that its file names until the next one does, and verifies before and for as long after as its tokens
last. So a rotation is one new file, and every process that sees the folder agrees about it without being told.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mainspring.errors import ConfigError, Mistake
from mainspring.observe import KeysCreated, Sink, discard
from mainspring.services.identity.keys import signing
from mainspring.services.identity.keys.api_files import known_keys
from mainspring.services.identity.keys.folder import publish, unreadable
from mainspring.services.identity.keys.signing import Algorithm, Private, Public, SigningKey, written
from mainspring.settings import AuthSettings

SECRET_FILE: Final = "identity.secret"
NEXT, CURRENT, STANDBY, PREVIOUS, RETIRED = "next", "current", "standby", "previous", "retired"
_SKEW: Final = 60
_SETTLED_NS: Final = 100_000_000
_BETWEEN_MISSES: Final = 1.0


class KeySet:
    """The keys of a folder. `secret` is empty where HS256 is not in use; `algorithm` is that of the keys in the folder."""

    def __init__(self, folder: Path, auth: AuthSettings, clock: Callable[[], float] = time.time) -> None:
        self.folder, self.issuer, self.secret = folder, auth.issuer, auth.jwt_secret
        self.algorithm: Algorithm = "RS256" if auth.jwt_algorithm == "RS256" else "ES256"
        shared = bool(auth.jwt_secret) and auth.jwt_algorithm in ("auto", "HS256")
        self.signs_with = "HS256" if shared else self.algorithm
        self._lasts = auth.token_seconds + auth.leeway_seconds + _SKEW
        self._clock = clock
        self._keys: tuple[SigningKey, ...] = ()
        self._until: Mapping[str, float] = {}
        self._by_kid: Mapping[str, SigningKey] = {}
        self.known: Mapping[bytes, str] = MappingProxyType({})
        self._seen = -1
        self._missed = -math.inf
        self._changed: list[Callable[[], None]] = []

    # ------------------------------------------------------------ signing

    @property
    def current(self) -> SigningKey:
        """The key of the folder that signs now; id tokens even where access tokens are signed with the secret."""
        begun = self._begun(self.algorithm)
        return begun[-1] if begun else next(key for key in self._keys if key.algorithm == self.algorithm)

    @property
    def private(self) -> Private:
        """The private key that signs now."""
        return self.current.private

    @property
    def kid(self) -> str:
        """Its id."""
        return self.current.kid

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with `claims`, signed with the key that signs new tokens."""
        if self.signs_with == "HS256":
            return written(claims, "HS256", self.secret.reveal().encode())
        return self.current.sign(claims)

    # ------------------------------------------------------------ verifying

    def verifies(self, algorithm: str, kid: str | None) -> tuple[Public, float] | None:
        """The public key that a token names (without a kid: the one that signs) and until when it verifies, if it does."""
        if kid is None:
            begun = self._begun(algorithm)
            key = begun[-1] if begun else None
        else:
            key = self._by_kid.get(kid)
        if key is None or key.algorithm != algorithm or self._clock() >= self._until[key.kid]:
            return None
        return key.public, self._until[key.kid]

    def jwks(self) -> dict[str, Any]:
        """The public keys, as RFC 7517 has them, the next one among them; a shared secret never is."""
        now = self._clock()
        signs = self.current
        keys = sorted(self._keys, key=lambda key: key is not signs)
        return {"keys": [key.jwk() for key in keys if now < self._until[key.kid]]}

    def states(self) -> list[tuple[SigningKey, str, float]]:
        """Every key, what it is (of NEXT, CURRENT, STANDBY, PREVIOUS, RETIRED) and until when it verifies."""
        return [(key, self._state(key), self._until[key.kid]) for key in self._keys]

    def _state(self, key: SigningKey) -> str:
        if self._clock() >= self._until[key.kid]:
            return RETIRED
        if key is self.current:
            return CURRENT
        if key not in self._begun(key.algorithm):
            return NEXT
        return PREVIOUS if self._until[key.kid] < math.inf else STANDBY

    def _begun(self, algorithm: str) -> list[SigningKey]:
        now = self._clock()
        return [key for key in self._keys if key.algorithm == algorithm and key.signs_from <= now]

    # ------------------------------------------------------------ changes of the folder

    def tell(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever other keys verify than before."""
        self._changed.append(changed)

    def look(self) -> bool:
        """Read the folder where it has changed since it was last read; whether it had. Raises ConfigError."""
        try:
            touched = self.folder.stat().st_mtime_ns
        except OSError as error:
            raise unreadable(self.folder, error) from error
        if touched == self._seen:
            return False
        self.read()
        # What changes within one tick of the file system's clock shows no new time: look again soon.
        self._seen = touched if time.time_ns() - touched > _SETTLED_NS else -1
        return True

    def missed(self) -> bool:
        """Look whether the folder holds what a token names and is not known here; not more than once a second."""
        now = time.monotonic()
        if now - self._missed < _BETWEEN_MISSES:
            return False
        self._missed = now
        with contextlib.suppress(ConfigError):
            return self.look()
        return False

    def read(self) -> None:
        """Read the folder. Raises ConfigError and keeps the keys of before."""
        keys = signing.found(self.folder, {key.path: key for key in self._keys})
        known = known_keys(self.folder)
        if not any(key.algorithm == self.algorithm for key in keys):
            raise ConfigError([Mistake(str(self.folder), f"holds no {self.algorithm} key", "restart to have one made")])
        if (tuple(keys), known) == (self._keys, self.known):
            return
        self._keys, self._by_kid, self.known = tuple(keys), {key.kid: key for key in keys}, known
        after = {key.kid: later for key, later in pairwise(keys) if later.algorithm == key.algorithm}
        self._until = {key.kid: after[key.kid].signs_from + self._lasts if key.kid in after else math.inf for key in keys}
        for changed in self._changed:
            changed()


def open_keys(folder: Path, auth: AuthSettings, observe: Sink = discard) -> KeySet:
    """The keys in `folder`, made first where there are none.

    Raises ConfigError when a file there cannot be read or is no key of its kind.
    """
    keys = KeySet(folder, auth)
    try:
        if not any(key.algorithm == keys.algorithm for key in signing.found(folder, {})):
            signing.make(folder, keys.algorithm)
            observe(KeysCreated(str(folder)))
    except OSError as error:
        raise unreadable(folder, error) from error
    keys.read()
    return keys


def open_secret(folder: Path) -> bytes:
    """What codes and refresh tokens are signed with, and secrets encrypted: 32 random bytes, made once. Raises ConfigError."""
    path = folder / SECRET_FILE
    try:
        if not path.exists():
            publish(path, secrets.token_bytes(32))
        found = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if len(found) != 32:
        hint = "restore it from a backup, or remove it (everybody signs in anew, and authenticator apps have to be enrolled anew)"
        raise ConfigError([Mistake(str(path), "has not 32 bytes", hint)])
    return found
