"""Servers that end with the tests, even when a timeout ends pytest without any clean-up (Linux)."""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)  # loaded before any fork: a forked child must not import or allocate much


def end_with_parent(how: signal.Signals) -> Callable[[], None]:
    """Returns a `preexec_fn` for `subprocess`, which lets the new process get a signal when we end."""

    def ask_the_kernel() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(how))

    return ask_the_kernel
