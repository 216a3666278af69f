"""Reads: on the event loop within a step budget, else on a bounded pool of reader threads.

A thread hand-over costs more than a short query, so every read starts on the loop; one that overruns its budget is interrupted
and run again on a thread, where only the statement timeout bounds it.

Reads of one turn of the loop share a snapshot: taking and leaving one costs as much as a read by key. A write is answered in a
later turn than the one in which it was committed, so whoever reads after an answer has a snapshot that holds the write.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from time import perf_counter
from typing import Any

from mainspring.engines.sqlite.connection import Source
from mainspring.engines.sqlite.faults import INTERRUPT, leaf
from mainspring.engines.sqlite.functions import register
from mainspring.errors import Busy, EngineUnavailable, TimedOut

STEPS_A_MILLISECOND = 10_000
"""About how many instructions SQLite's virtual machine runs in a millisecond."""

COMPARED_A_MILLISECOND = 20_000
"""About how many characters the functions that compare JSON, arrays, ranges and texts with patterns look at in a millisecond."""

COMPARISON = 200
"""How many characters one of them counts for beside its own."""

MAX_WAITING = 512
OVERRUN_MEMORY = 5.0
"""Seconds for which a statement that overran goes straight to the threads."""


class Overrun(Exception):
    """A read used up its budget."""


class _Connection:
    """A read-only connection that asks every `steps` instructions whether to go on."""

    def __init__(self, source: Source, steps: int) -> None:
        self.connection = source.open(reading=True)
        self.connection.set_progress_handler(self.stop, steps)

    def stop(self) -> bool:
        """Whether to interrupt the statement that runs."""
        raise NotImplementedError

    def row(self, sql: str, arguments: Sequence[Any]) -> Any:
        """The first row. Raises Overrun when it was interrupted."""
        try:
            return self.connection.execute(sql, arguments).fetchone()
        except Exception as error:
            if INTERRUPT in str(error):
                raise Overrun from None
            raise leaf(error, None) from error


class _Budgeted(_Connection):
    """The loop's connection: interrupted after so much work, however long the work was kept waiting.

    SQLite counts a statement's instructions over all its runs, so the first question of a run can come at any moment of it;
    the second one means that a whole interval was used up.
    """

    def __init__(self, source: Source, milliseconds: float) -> None:
        super().__init__(source, max(1, round(milliseconds * STEPS_A_MILLISECOND)))
        self.asked = 0
        self.compared, self.most = 0, round(milliseconds * COMPARED_A_MILLISECOND)
        register(self.connection, self.compare)

    def compare(self, characters: int) -> None:
        """Count a comparison, which SQLite takes for one instruction."""
        self.compared += characters + COMPARISON
        if self.compared > self.most:
            self.connection.interrupt()

    def stop(self) -> bool:
        self.asked += 1
        return self.asked > 1

    def run(self, sql: str, arguments: Sequence[Any] = ()) -> Any:
        """The first row of a statement with a budget of its own. Raises Overrun."""
        self.asked = self.compared = 0
        return self.row(sql, arguments)


class _Timed(_Connection):
    """A thread's connection: interrupted at a moment."""

    def __init__(self, source: Source) -> None:
        super().__init__(source, STEPS_A_MILLISECOND)
        self.moment = float("inf")

    def stop(self) -> bool:
        return perf_counter() > self.moment

    def run(self, sql: str, arguments: Sequence[Any], seconds: float) -> Any:
        """The first row. Raises Overrun after `seconds`."""
        self.moment = perf_counter() + seconds
        return self.row(sql, arguments)


class Readers:
    """The connection of the event loop and the reader threads."""

    def __init__(self, source: Source, threads: int, budget: float, timeout: float) -> None:
        self._source, self._timeout = source, timeout
        self._size = threads
        self._jobs: SimpleQueue[Callable[[_Timed], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._waiting = 0
        self._local = _Budgeted(source, budget * 1000)
        self._leaving: asyncio.Handle | None = None

    def here(self, sql: str, arguments: Sequence[Any]) -> Any:
        """The first row, read on the loop. Raises Overrun when it takes more than the budget."""
        if self._leaving is None:
            self._local.run("BEGIN")
            self._leaving = asyncio.get_running_loop().call_soon(self._leave)
        return self._local.run(sql, arguments)

    def all_here(self, sql: str, arguments: Sequence[Any]) -> list[Any]:
        """All rows of a question for an execution plan, which takes no time worth a budget."""
        self._local.asked = 0
        rows: list[Any] = self._local.connection.execute(sql, arguments).fetchall()
        return rows

    def _leave(self) -> None:
        """Leave the snapshot that this turn's reads shared (after some errors SQLite has left it already)."""
        self._leaving = None
        if self._local.connection.in_transaction:
            self._local.run("COMMIT")

    async def elsewhere(self, sql: str, arguments: Sequence[Any]) -> Any:
        """The first row, read on a thread. Raises TimedOut, or Busy when too many reads wait."""
        if self._waiting >= MAX_WAITING:
            raise Busy("The database")
        self._start_threads()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting += 1
        self._jobs.put(lambda connection: self._work(connection, sql, arguments, loop, future))
        try:
            return await future
        finally:
            self._waiting -= 1

    def _start_threads(self) -> None:
        """Threads start when the first slow read comes: most applications never need them."""
        while len(self._threads) < self._size:
            thread = threading.Thread(target=self._serve, name=f"reader-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self) -> None:
        timed = _Timed(self._source)
        while (job := self._jobs.get()) is not None:
            job(timed)
        timed.connection.close()

    def _work(
        self,
        timed: _Timed,
        sql: str,
        arguments: Sequence[Any],
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
    ) -> None:
        row: Any = None
        error: Exception | None = None
        try:
            row = timed.run(sql, arguments, self._timeout)
        except Overrun:
            error = TimedOut(self._timeout)
        except Exception as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits
            loop.call_soon_threadsafe(_settle, future, row, error)

    def close(self) -> None:
        """End the threads and close every connection."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        if self._leaving is not None:
            self._leaving.cancel()
            self._leave()
        self._local.connection.close()

    def ping(self) -> None:
        """Raises EngineUnavailable when the file cannot be read."""
        if self.here("SELECT 1", ()) != (1,):
            raise EngineUnavailable


def _settle(future: asyncio.Future[Any], value: Any, error: Exception | None) -> None:
    """Hand an outcome to whoever still waits."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)
