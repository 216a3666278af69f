"""Hooks: functions of the application, and addresses of its operator, that are asked about what happens.

All of them take one JSON object and answer one, or nothing. What they are asked, and when, is for others to know.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import msgspec

from mainspring.backends.web.webhook import MOST
from mainspring.errors import Busy, ConfigError, HookAnswerTooLarge, HookFailed, HookTimedOut, Mistake

NAMES: Final = (
    "before_user_created",
    "after_user_created",
    "custom_access_token",
    "send_email",
    "send_sms",
    "password_verification_attempt",
    "mfa_verification_attempt",
)
Target = Callable[[bytes], Awaitable[bytes | None]]
"""Takes and answers JSON."""
F = TypeVar("F", bound=Callable[..., Any])
_WAITING: Final = 4
"""How many calls may wait for each thread."""


class Declared:
    """The functions that the application names as hooks."""

    def __init__(self) -> None:
        self.functions: dict[str, Callable[..., Any]] = {}

    def hook(self, name: str) -> Callable[[F], F]:
        """A decorator for the function that is the hook `name`. Raises ConfigError."""
        if name not in NAMES:
            raise ConfigError([Mistake(f'auth_hook "{name}"', "there is no such hook", f"one of {', '.join(NAMES)}")])

        def declare(function: F) -> F:
            if name in self.functions:
                raise ConfigError([Mistake(f'auth_hook "{name}"', "is declared twice", "one function for each hook")])
            self.functions[name] = function
            return function

        return declare


class Functions:
    """Runs the application's own: async ones on the event loop, others in `threads`, each no longer than `seconds`."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]], threads: int, seconds: float) -> None:
        self._functions, self._threads, self._seconds = functions, threads, seconds
        self._pool = ThreadPoolExecutor(threads, "mainspring-hook")
        self._under_way = 0

    def targets(self) -> dict[str, Target]:
        """The functions as targets, by their names."""
        return {name: self._target(function) for name, function in self._functions.items()}

    async def stop(self) -> None:
        """Take no more calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _target(self, function: Callable[..., Any]) -> Target:
        async def call(body: bytes) -> bytes | None:
            given = msgspec.json.decode(body)  # anew for each call: it may be changed there
            try:
                async with asyncio.timeout(self._seconds):
                    answered = await self._run(function, given)
            except TimeoutError:
                raise HookTimedOut(self._seconds) from None
            return None if answered is None else _encoded(answered)

        return call

    async def _run(self, function: Callable[..., Any], given: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(given)
        if self._under_way >= self._threads * (1 + _WAITING):
            raise Busy("The hooks")
        self._under_way += 1  # a thread cannot be stopped: one that overruns keeps its place until it is done
        running = asyncio.get_running_loop().run_in_executor(self._pool, function, given)
        running.add_done_callback(self._done)
        return await asyncio.shield(running)

    def _done(self, running: asyncio.Future[Any]) -> None:
        self._under_way -= 1
        if not running.cancelled():
            running.exception()


def _encoded(answered: Any) -> bytes:
    try:
        body = msgspec.json.encode(answered)
    except (TypeError, ValueError, RecursionError) as error:
        raise HookFailed("answered what is no JSON") from error
    if len(body) > MOST:
        raise HookAnswerTooLarge(MOST)
    return body
