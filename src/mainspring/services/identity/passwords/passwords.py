"""Passwords: how strong they must be, and hashes of them, made in a bounded pool of threads off the event loop.

argon2id; hashes that imported users bring are checked too (`elsewhere`). Whoever asks for an account that is not there costs the
same work as for one that is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from mainspring.errors import BodyInvalid, PasswordWeak, TooManyRequests
from mainspring.services.identity.passwords import elsewhere
from mainspring.services.identity.passwords.breaches import Breaches
from mainspring.services.identity.passwords.guessable import Words
from mainspring.settings import AuthSettings

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")
MOST: Final = 72
"""Characters. Longer passwords would only cost work."""
RETRY_SECONDS: Final = 1.0
KNOWN: Final = "pwned"
_GUESSED: Final = "Password is known to be weak and easy to guess, please choose a different one."
_NICENESS: Final = 10
_SYMBOLS: Final = "!@#$%^&*()_+-=[]{};'\\:\"|<>?,./`~"
_LETTERS, _LOWER, _UPPER, _DIGITS = "letters", "lower", "upper", "digits"
_CLASSES: Final[dict[str, tuple[str, Callable[[str], bool]]]] = {
    _LETTERS: ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", lambda text: bool(re.search("[A-Za-z]", text))),
    _LOWER: ("abcdefghijklmnopqrstuvwxyz", lambda text: bool(re.search("[a-z]", text))),
    _UPPER: ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", lambda text: bool(re.search("[A-Z]", text))),
    _DIGITS: ("0123456789", lambda text: bool(re.search("[0-9]", text))),
    "symbols": (_SYMBOLS, lambda text: any(character in _SYMBOLS for character in text)),
}


class Rules:
    """What a new password must be."""

    def __init__(self, auth: AuthSettings) -> None:
        self._least = auth.password_min_length
        self._classes = tuple(auth.password_characters.split("_")) if auth.password_characters else ()
        self._words = Words(auth.password_words)

    def demand_length(self, password: str) -> None:
        """Return when the password is not too long. Raises BodyInvalid."""
        if len(password) > MOST:
            raise BodyInvalid(f"Password cannot be longer than {MOST} characters")

    def weakness(self, password: str) -> PasswordWeak | None:
        """Why the password would not do now."""
        reasons: list[str] = []
        texts: list[str] = []
        if len(password) < self._least:
            reasons.append("length")
            texts.append(f"Password should be at least {self._least} characters.")
        if not all(_CLASSES[name][1](password) for name in self._classes):
            reasons.append("characters")
            wanted = ", ".join(_CLASSES[name][0] for name in self._classes)
            texts.append(f"Password should contain at least one character of each: {wanted}.")
        if not reasons and len(self._words.rest(password)) < self._least:
            reasons.append(KNOWN)
            texts.append(_GUESSED)
        return PasswordWeak(tuple(reasons), " ".join(texts)) if reasons else None


class Passwords:
    """Hashes and checks passwords, so many at a time; more wait, and beyond that TooManyRequests is raised."""

    def __init__(self, auth: AuthSettings) -> None:
        self._rules = Rules(auth)
        self._breaches = Breaches(Path(auth.breached_passwords)) if auth.breached_passwords else None
        self._auth = auth
        threads = auth.password_threads or max(1, (os.cpu_count() or 1) // 2)
        self._waiting, self._most = 0, threads + auth.password_queue
        self._pool = ThreadPoolExecutor(threads, "password", _step_back)
        self._made: PasswordHasher | None = None
        self._decoy = ""
        self._lock = threading.Lock()

    @property
    def _hasher(self) -> PasswordHasher:
        """Made when first needed: most processes start to serve data."""
        if self._made is None:
            from argon2 import PasswordHasher

            auth = self._auth
            self._made = PasswordHasher(auth.password_iterations, auth.password_memory_kib, auth.password_parallelism)
        return self._made

    async def demand(self, password: str) -> None:
        """Return when a new password will do. Raises PasswordWeak, BodyInvalid, TooManyRequests."""
        self._rules.demand_length(password)
        weak = await self.weakness(password)
        if weak is not None:
            raise weak

    async def weakness(self, password: str) -> PasswordWeak | None:
        """Why the password would not do as a new one. Raises TooManyRequests."""
        weak = self._rules.weakness(password)
        if self._breaches is None or (weak is not None and KNOWN in weak.reasons):
            return weak
        if not await self._run(partial(self._breaches.knows, password)):
            return weak
        known = PasswordWeak((KNOWN,), _GUESSED)
        return known if weak is None else PasswordWeak((*weak.reasons, *known.reasons), f"{weak.message} {known.message}")

    async def hash(self, password: str) -> str:
        """A hash to keep. Raises TooManyRequests."""
        return await self._run(partial(self._hash, password))

    async def check(self, password: str, kept: str | None) -> bool:
        """Whether the password is the one hashed; without a hash it never is, at the same cost. Raises TooManyRequests."""
        if len(password) > MOST:
            password, kept = password[:MOST], None
        return await self._run(partial(self._check, password, kept))

    def outdated(self, kept: str) -> bool:
        """Whether the hash was made in another way than hashes are made now."""
        return elsewhere.checked(kept) is not None or self._hasher.check_needs_rehash(kept)

    def accept(self, kept: str) -> str:
        """A hash made elsewhere, as it can be checked here. Raises BodyInvalid, NotSupported."""
        elsewhere.demand(kept)
        return kept

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._most:
            raise TooManyRequests("request", RETRY_SECONDS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def _check(self, password: str, kept: str | None) -> bool:
        from argon2.exceptions import Argon2Error, InvalidHashError

        raw = password.encode("utf-8", "surrogatepass")
        theirs = elsewhere.checked(kept) if kept is not None else None
        if theirs is not None:
            return theirs(raw)
        try:
            return self._hasher.verify(kept or self._nobodys(), raw) and kept is not None
        except (Argon2Error, InvalidHashError):
            return False

    def _nobodys(self) -> str:
        """A hash of nobody's password, made as hashes are made now."""
        with self._lock:
            self._decoy = self._decoy or self._hasher.hash(os.urandom(32))
        return self._decoy


def _step_back() -> None:
    """Hashing gives way to the threads that serve requests."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
