"""Passwords that have become known elsewhere, looked up in a file on this machine: nothing of a password leaves it.

The file holds SHA-1 hashes in hexadecimal, one a line and in ascending order, perhaps with a count behind a colon: the form
in which Have I Been Pwned offers its list. It may be larger than memory; a look-up reads a few pages of it.
"""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from typing import Final

from mainspring.errors import ConfigError, Mistake

_DIGITS: Final = 40
_HEX: Final = frozenset(b"0123456789ABCDEFabcdef")


class Breaches:
    """The list in a file. Raises ConfigError where it cannot be read or begins with something else."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ConfigError([Mistake("auth.breached_passwords", f"{path} cannot be read: {error}")]) from error
        if not _HEX.issuperset(self._lines[:_DIGITS]) or len(self._lines) < _DIGITS:
            hint = "one SHA-1 hash in hexadecimal on each line, in ascending order"
            raise ConfigError([Mistake("auth.breached_passwords", f"{path} holds no hashes", hint)])

    def knows(self, password: str) -> bool:
        """Whether the password is in the list."""
        wanted = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper().encode()
        low, high = 0, len(self._lines)
        while low < high:
            middle = self._lines.rfind(b"\n", 0, (low + high) // 2) + 1
            middle = max(middle, low)
            found = self._lines[middle : middle + _DIGITS].upper()
            if found == wanted:
                return True
            if found < wanted:
                end = self._lines.find(b"\n", middle)
                low = high if end < 0 else end + 1
            else:
                high = middle
        return False
