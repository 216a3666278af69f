"""Writes: one thread, one connection, group commit.

Writes that arrive while a commit is being made durable share the next transaction; a refused write takes nothing else with it.
A caller hears of success only after the commit. Work is a function of the connection and may be run more than once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from mainspring.engines.sqlite.connection import Source
from mainspring.engines.sqlite.faults import leaf
from mainspring.errors import Busy, EngineUnavailable, MainspringError

MAX_WAITING = 4_096
MAX_BATCH = 256

Work = Callable[[Any], Any]


@dataclass(slots=True, eq=False)
class _Job:
    work: Work
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None


class Writer:
    """The writer thread. `write` hands it work: a function of the connection that runs inside a transaction."""

    def __init__(self, source: Source) -> None:
        self._connection = source.open()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._waiting = 0
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    async def write(self, work: Work) -> Any:
        """What `work` returns, once it is durable. Raises what it raises (then nothing of it is kept), or Busy."""
        if self._closed:
            raise EngineUnavailable
        if self._waiting >= MAX_WAITING:
            raise Busy("The database")
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._waiting += 1
        self._jobs.put(job)
        try:
            return await job.future
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish what was handed over, then close."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while True:
            batch, more = self._batch()
            if batch:
                self._commit(batch)
                _deliver(batch)
            if not more:
                return

    def _batch(self) -> tuple[list[_Job], bool]:
        """Everything that waits, at least one job; and whether more may come."""
        job = self._jobs.get()
        batch: list[_Job] = []
        while job is not None:
            batch.append(job)
            if len(batch) >= MAX_BATCH:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[_Job]) -> None:
        """One transaction for the batch. Where a job is refused, the batch runs again with each job by itself."""
        try:
            if self._together(batch) or self._apart(batch):
                return
        except Exception as error:
            self._fail(batch, error)
            return
        for job in batch:
            job.error = None
            self._commit([job])

    def _together(self, batch: list[_Job]) -> bool:
        """All jobs, with nothing between them: most writes are not refused. False (and nothing kept) when one is."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in batch:
            try:
                job.value = job.work(self._connection)
            except Exception as error:
                if self._connection.in_transaction:
                    execute("ROLLBACK")
                if len(batch) > 1:
                    return False
                job.error = error
                return True
        execute("COMMIT")
        return True

    def _apart(self, batch: list[_Job]) -> bool:
        """The jobs again, a savepoint each: a refused one is undone and takes no other with it.

        False (and nothing kept) when one ends the whole transaction: a full disk, a trigger's RAISE(ROLLBACK).
        """
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in batch:
            execute("SAVEPOINT job")
            try:
                job.value = job.work(self._connection)
            except Exception as error:
                job.error = error
                if not self._connection.in_transaction:
                    return False
                execute("ROLLBACK TO job")
            execute("RELEASE job")
        execute("COMMIT")
        return True

    def _fail(self, batch: list[_Job], error: Exception) -> None:
        """The transaction was lost: nobody's write was kept."""
        with contextlib.suppress(Exception):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        for job in batch:
            if job.error is None or not isinstance(job.error, MainspringError):
                job.error = leaf(error, None)
                job.error.__cause__ = error


def _deliver(batch: list[_Job]) -> None:
    """Wake the callers, one call per event loop."""
    loops: defaultdict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
    for job in batch:
        loops[job.loop].append(job)
    for loop, jobs in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits
            loop.call_soon_threadsafe(_settle, jobs)


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.value)
