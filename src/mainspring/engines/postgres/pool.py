"""A bounded pool of bare connections: the one used last is used next, nothing is reset between uses.

Nothing needs a reset: a transaction that did not end takes its connection with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any

import psycopg
from psycopg.pq.abc import PGresult

from mainspring.engines.postgres.faults import leaf
from mainspring.engines.postgres.session import USUAL, Command, Session
from mainspring.errors import Busy, EngineUnavailable

MAX_WAITING = 4_096
STOP_SECONDS = 30.0

Took = Callable[[float], None]
"""Is told how many seconds the server took, from the moment a connection was free."""

_BEGIN, _COMMIT, _ROLLBACK = Command("BEGIN"), Command("COMMIT"), Command("ROLLBACK")
UNDONE = (Command("SET CONSTRAINTS ALL IMMEDIATE"), _ROLLBACK)
"""The end of a transaction that is undone, but refused where a commit would have been."""


class Pool:
    """At most `size` connections; `timeout` bounds a statement and the wait for a connection, in seconds.

    `settings` are the database's own for every connection (None: those that answers in app mode rely on).
    """

    def __init__(self, url: str, *, size: int, timeout: float, settings: Mapping[str, str] | None = None) -> None:
        self.timeout = timeout
        usual = {**USUAL, "statement_timeout": f"{round(timeout * 1000)}ms"}
        self._settings = usual if settings is None else settings
        self._url, self._size = url, size
        self._free = size
        self._idle: list[Session] = []
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._alarm: asyncio.Handle | None = None
        self._closed = False
        self._aside: asyncio.Task[None] | None = None
        self._rest = asyncio.Event()

    async def open(self) -> Session:
        """A new connection of nobody's. Raises psycopg.Error."""
        return await Session.open(self._url, self._settings)

    async def acquire(self) -> Session:
        """A connection, to be released. Raises Busy when none comes free in time, EngineUnavailable without a server."""
        if self._closed:
            raise EngineUnavailable
        if self._free:
            self._free -= 1
        else:
            await self._turn()
        while self._idle:
            session = self._idle.pop()
            if session.usable:
                return session
        try:
            return await self.open()
        except BaseException as error:
            self._pass_on()
            if isinstance(error, psycopg.Error):
                raise leaf(error, None, self.timeout) from error
            raise

    def release(self, session: Session) -> None:
        """Take a connection back; one that is broken or still at work is closed."""
        if session.usable and not self._closed:
            self._idle.append(session)
        else:
            session.close()
        self._pass_on()

    async def run(self, *commands: Command, took: Took | None = None) -> list[PGresult]:
        """Run commands as one transaction. Raises psycopg.Error, Busy or EngineUnavailable."""
        session = await self.acquire()
        began = time.monotonic()
        try:
            return await session.run(*commands)
        finally:
            if took is not None:
                took(time.monotonic() - began)
            self.release(session)

    async def read(self, *commands: Command, took: Took | None = None) -> PGresult:
        """Run commands that change nothing, the last of which answers; again when their connection turns out to be lost."""
        try:
            (*_, result) = await self.run(*commands, took=took)
        except psycopg.OperationalError as error:
            if not isinstance(leaf(error, None, self.timeout), EngineUnavailable):
                raise
            self.forget_idle()
            (*_, result) = await self.run(*commands, took=took)
        return result

    def aside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Begin what nobody waits for, unless something like it is under way. Returns whether it was begun."""
        if self._closed or (self._aside is not None and not self._aside.done()):
            return False
        self._aside = asyncio.get_running_loop().create_task(work())
        return True

    def forget_idle(self) -> None:
        """Close the connections at rest: where one was lost, the others most likely were too."""
        while self._idle:
            self._idle.pop().close()

    async def _turn(self) -> None:
        if len(self._waiting) >= MAX_WAITING:
            raise Busy("The database")
        loop = asyncio.get_running_loop()
        turn, latest = loop.create_future(), loop.time() + self.timeout
        self._waiting.append((latest, turn))
        if self._alarm is None:
            self._alarm = loop.call_at(latest, self._expire)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on()
            raise

    def _expire(self) -> None:
        """Refuse those who have waited too long: who came first is the first of them, so one alarm serves all."""
        loop, self._alarm = asyncio.get_running_loop(), None
        while self._waiting:
            latest, turn = self._waiting[0]
            if not turn.done():
                if latest > loop.time():
                    self._alarm = loop.call_at(latest, self._expire)
                    return
                turn.set_exception(Busy("The database"))
            self._waiting.popleft()

    def _pass_on(self) -> None:
        """Let the next one have its turn."""
        while self._waiting:
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
        if self._closed and self._free == self._size:
            self._rest.set()

    async def close(self) -> None:
        """Refuse what comes and what waits, let what is under way finish, close."""
        self._closed = True
        for _, turn in self._waiting:
            if not turn.done():
                turn.set_exception(EngineUnavailable())
        self._waiting.clear()
        if self._alarm is not None:
            self._alarm.cancel()
        if self._free < self._size:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rest.wait(), STOP_SECONDS)
        self.forget_idle()


class Transaction:
    """A transaction on a connection of its own: begun with its first batch, rolled back unless committed."""

    def __init__(self, pool: Pool, begin: Command = _BEGIN) -> None:
        self._pool, self._begin = pool, begin
        self._session: Session | None = None
        self._open = False

    async def __aenter__(self) -> Transaction:
        self._session = await self._pool.acquire()
        return self

    async def run(self, *commands: Command) -> list[PGresult]:
        """Run commands in one round trip; one result per command. Raises psycopg.Error."""
        return await self.verify((), *commands)

    async def verify(self, checks: Sequence[Command], *commands: Command) -> list[PGresult]:
        """Run `checks`, then `commands`, in one round trip; the results of `commands`. Raises psycopg.Error."""
        if not checks and not commands:
            return []
        begin = [] if self._open else [self._begin]
        self._open = True
        results = await self._running.run(*begin, *checks, *commands)
        return results[len(begin) + len(checks) :]

    async def finish(self, checks: Sequence[Command], *commands: Command, undone: bool = False) -> list[PGresult]:
        """`verify` and commit (or undo), in one round trip (deferred constraints may fail now)."""
        how = UNDONE if undone else (_COMMIT,)
        return (await self.end(how, *checks, *commands))[len(checks) :]

    async def end(self, how: Sequence[Command], *commands: Command) -> list[PGresult]:
        """Run commands and end the transaction with those of `how`, in one round trip; the results of `commands`."""
        results = await self.verify((), *commands, *how)
        self._open = False
        return results[: len(commands)]

    @property
    def _running(self) -> Session:
        if self._session is None:
            raise AssertionError("the transaction has not begun")
        return self._session

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        session = self._running
        if isinstance(error, psycopg.OperationalError) and not session.usable:
            self._pool.forget_idle()
        try:
            if self._open and session.usable:
                await session.run(_ROLLBACK)
                self._open = False
        except psycopg.Error:
            session.close()
        finally:
            if self._open:
                session.close()
            self._pool.release(session)


class Share(Transaction):
    """A transaction as one of several writes sees it: what would end it leaves it open for the next."""

    def __init__(self, whole: Transaction) -> None:
        self._whole = whole

    async def verify(self, checks: Sequence[Command], *commands: Command) -> list[PGresult]:
        """Run `checks`, then `commands`, in the whole transaction."""
        return await self._whole.verify(checks, *commands)

    async def end(self, how: Sequence[Command], *commands: Command) -> list[PGresult]:
        """Run commands; the transaction stays open."""
        return await self._whole.verify((), *commands)
