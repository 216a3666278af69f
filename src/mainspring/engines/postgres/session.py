"""One connection, spoken to through libpq: batches of prepared statements in pipeline mode, one round trip each.

It must not know plans. Arguments are texts, answers are libpq's results; psycopg makes the connection and the errors.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGcancel, PGresult

MAX_PREPARED = 512
CONNECT_SECONDS = 10

USUAL = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "jit": "off",  # its estimate of correlated subqueries is far too high
}


class Command(NamedTuple):
    """One statement and its arguments. `prepared` False: it is run once. `fixed`: its plan does not depend on its arguments."""

    sql: str
    arguments: Sequence[bytes | None] = ()
    prepared: bool = True
    fixed: bool = False


PLANS = {True: "SET plan_cache_mode = force_generic_plan", False: "SET plan_cache_mode = auto"}
"""Whether prepared statements are planned once for all values, or as PostgreSQL sees fit."""


def in_zone(zone: str | None) -> list[Command]:
    """What makes the rest of a transaction show moments in a time zone; nothing for UTC."""
    return [Command("SELECT set_config('TimeZone', $1, true)", [zone.encode()])] if zone else []


class Session:
    """A connection in autocommit mode, used by one task at a time."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection, self._pg = connection, connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._prepared: dict[str, bytes] = {}
        self._numbers = 0
        self._fixed = False
        self._expected: deque[bool] = deque()
        self._syncs = 0
        self._results: list[PGresult] = []
        self._answer: asyncio.Future[list[PGresult]] | None = None
        self._closed = self._writing = False
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._socket = self._pg.socket
        self._loop.add_reader(self._socket, self._readable)

    @classmethod
    async def open(cls, url: str, settings: Mapping[str, str] = USUAL) -> Session:
        """Connect, with these settings of the database's. Raises psycopg.Error."""
        connection = await psycopg.AsyncConnection.connect(
            url,
            autocommit=True,
            client_encoding="utf8",
            connect_timeout=CONNECT_SECONDS,
            application_name="mainspring",
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        try:
            if settings:
                await connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()).encode())
        except BaseException:  # refused, or nobody waits for it any more
            connection.pgconn.finish()
            raise
        return cls(connection)

    @property
    def usable(self) -> bool:
        """Whether it may be used again: connected, with nothing under way."""
        return self._answer is None and self._pg.status == ConnStatus.OK

    @property
    def version(self) -> int:
        """The server's version number (160004 for 16.4)."""
        return self._pg.server_version

    @property
    def encoding(self) -> str:
        """The encoding of the database."""
        return (self._pg.parameter_status(b"server_encoding") or b"").decode()

    async def run(self, *commands: Command) -> list[PGresult]:
        """Run commands in one round trip; without a BEGIN among them they are one transaction.

        One result per command. Raises psycopg.Error for the first that fails; the rest are not run.
        """
        self._answer = self._loop.create_future()
        try:
            self._plan(all(command.fixed for command in commands))
            for command in commands:
                self._send(command)
            self._sync()
            self._flush()
        except psycopg.Error:
            self.close()
            raise
        results = await self._answer
        self._answer = None
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                self._forget(commands)
                raise error_from_result(result)
        return results

    def _plan(self, fixed: bool) -> None:
        """How what follows is planned; in a transaction of its own, for a rollback would undo it.

        Within a transaction nothing is fixed, so that none is switched there, where an error may have come before.
        """
        if fixed is not self._fixed:
            self._pg.send_query_params(PLANS[fixed].encode(), None)
            self._expected.append(False)
            self._sync()
            self._fixed = fixed

    def _sync(self) -> None:
        self._pg.pipeline_sync()
        self._syncs += 1

    def _send(self, command: Command) -> None:
        if not command.prepared:
            self._pg.send_query_params(command.sql.encode(), command.arguments)
        else:
            name = self._prepared.get(command.sql) or self._prepare(command.sql)
            self._pg.send_query_prepared(name, command.arguments)
        self._expected.append(True)

    def _prepare(self, sql: str) -> bytes:
        if len(self._prepared) >= MAX_PREPARED:
            oldest = next(iter(self._prepared))
            self._pg.send_query_params(b"DEALLOCATE " + self._prepared.pop(oldest), None)
            self._expected.append(False)
        self._numbers += 1
        name = self._prepared[sql] = b"ms%d" % self._numbers
        self._pg.send_prepare(name, sql.encode())
        self._expected.append(False)
        return name

    def _forget(self, commands: Sequence[Command]) -> None:
        """After an error nobody knows which of them the server has prepared: they get new names."""
        for command in commands:
            self._prepared.pop(command.sql, None)

    def _flush(self) -> None:
        """Send what libpq holds back; the rest when the socket takes more."""
        held_back = bool(self._pg.flush())
        if held_back and not self._writing:
            self._loop.add_writer(self._socket, self._writable)
        elif self._writing and not held_back:
            self._loop.remove_writer(self._socket)
        self._writing = held_back

    def _writable(self) -> None:
        try:
            self._flush()
        except psycopg.Error as error:
            self._lose(error)

    def _readable(self) -> None:
        try:
            self._pg.consume_input()
            if self._answer is not None:
                self._collect(self._answer)
        except psycopg.Error as error:
            self._lose(error)

    def _collect(self, answer: asyncio.Future[list[PGresult]]) -> None:
        while not self._pg.is_busy():
            result = self._pg.get_result()
            if result is None or (not self._expected and result.status != ExecStatus.PIPELINE_SYNC):
                if self._pg.status != ConnStatus.OK:
                    raise psycopg.OperationalError("the connection is lost")
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                self._syncs -= 1
                if self._syncs:
                    continue
                results, self._results = self._results, []
                if not answer.done():
                    answer.set_result(results)
                return
            if self._expected.popleft() or result.status == ExecStatus.FATAL_ERROR:
                self._results.append(result)

    def _lose(self, error: psycopg.Error) -> None:
        """The connection broke."""
        answer, self._answer = self._answer, None
        self.close()
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def close(self) -> None:
        """End the connection; what the server still does for it is cancelled."""
        if self._closed:
            return
        self._closed = True
        if self._pg.status == ConnStatus.OK and self._answer is not None:
            self._loop.run_in_executor(None, _cancel, self._pg.get_cancel())
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pg.finish()


def _cancel(cancel: PGcancel) -> None:
    with contextlib.suppress(psycopg.Error):
        cancel.cancel()
