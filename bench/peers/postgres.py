"""Mainspring on PostgreSQL, in app mode and in database mode, on the same tables of one server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import psycopg

from bench import dataset
from bench.dataset import Row
from bench.peers.mainspring import APP, JWT_SECRET, MainspringPeer, executable
from bench.process import Server, free_port

RULES = """
CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN; CREATE ROLE service_role NOLOGIN BYPASSRLS;
CREATE ROLE front LOGIN NOINHERIT; GRANT anon, authenticated, service_role TO front;
GRANT SELECT ON authors, posts, drafts TO anon, authenticated;
CREATE FUNCTION uid() RETURNS uuid STABLE LANGUAGE sql AS
  $$ SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY; ALTER TABLE drafts ENABLE ROW LEVEL SECURITY;
CREATE POLICY published_or_mine ON posts FOR SELECT USING (published OR author_id = (SELECT uid()));
CREATE POLICY mine ON drafts FOR SELECT TO authenticated USING (author_id = (SELECT uid()));
"""


class Database:
    """One PostgreSQL server with the rows in it, for as long as a peer needs it. Its tables are those that the app makes."""

    def __init__(self, work: Path) -> None:
        from tests.support.servers import PostgresServer  # needs the extra `test`

        self._users = 0
        self._closing = ExitStack()
        self._server = PostgresServer()
        self._closing.callback(self._server.stop)
        self._server.start()
        self.url = self._server.database("bench")
        self._make_tables(work)
        with psycopg.connect(self.url) as connection:
            for table, rows in _ROWS.items():
                _copy(connection, table, rows(dataset.MAINSPRING_FORMS))
            connection.execute(RULES)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def _make_tables(self, work: Path) -> None:
        port = free_port()
        command = [executable(), "serve", str(APP), "--data", str(work / "tables"), "--port", str(port), "--database", self.url]
        server = Server(command, port, work / "tables.log", {"MAINSPRING_AUTH__JWT_SECRET": JWT_SECRET})
        try:
            server.wait("/healthz", {})
        finally:
            server.stop()

    def use(self) -> str:
        """The address, for one more peer."""
        self._users += 1
        return self.url

    def leave(self) -> None:
        """One peer less; the last one stops the server."""
        self._users -= 1
        if self._users == 0:
            self._closing.close()


@cache
def shared(work: Path) -> Database:
    """The database of a run."""
    return Database(work)


_ROWS = {"authors": dataset.author_rows, "posts": dataset.post_rows, "drafts": dataset.draft_rows}


def _copy(connection: psycopg.Connection[tuple[object, ...]], table: str, rows: Iterable[Row]) -> None:
    rows = iter(rows)
    first = next(rows)
    with connection.cursor().copy(f"COPY {table} ({', '.join(first)}) FROM STDIN".encode()) as copy:
        copy.write_row(tuple(first.values()))
        for row in rows:
            copy.write_row(tuple(row.values()))


class AppModePeer(MainspringPeer):
    """`mainspring serve bench/app.py --database postgresql://...`."""

    name = "app"
    title = "app mode"
    database: Database | None = None

    def prepare(self, work: Path) -> None:
        self.work = work
        self.data = work / f"mainspring-{self.name}"
        self.database = shared(work)
        self.url = self.database.use()
        self.anon_key = self.read_keys()["ANON_KEY"]

    def command(self, port: int) -> list[str]:
        return [*super().command(port), "--database", self.url]

    def stop(self) -> None:
        super().stop()
        if self.database is not None:
            self.database.leave()
            self.database = None


class DatabaseModePeer(AppModePeer):
    """`mainspring serve --database-auth-mode database`: roles and row security decide."""

    name = "database"
    title = "database mode"

    def command(self, port: int) -> list[str]:
        address = self.url.replace("postgres@", "front@")
        return [
            *(executable(), "serve", "--data", str(self.data), "--port", str(port), "--workers", "1"),
            *("--database", address, "--database-auth-mode", "database", "--database-channel", ""),
        ]

    def environment(self) -> Mapping[str, str]:
        return {"MAINSPRING_AUTH__JWT_SECRET": JWT_SECRET}
