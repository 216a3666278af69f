"""Opening SQLite: which library, which pragmas, and the gate against libraries that can lose commits."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mainspring.engines.sqlite.functions import register
from mainspring.errors import ConfigError, Mistake

CACHE_KIB = 32 * 1024
MMAP_BYTES = 256 * 1024 * 1024
CACHED_STATEMENTS = 1024
WAL_PAGES = 10_000
"""Pages (40 MB) after which the log is copied back into the file. SQLite's own 1,000 makes inserts into indexed tables write
the same pages over and over."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the database is and how it is opened. `key` encrypts the whole file (SQLCipher).

    `existing`: the file is somebody's own, so that it must be there and keeps its journal mode.
    """

    path: Path
    key: str | None = None
    synchronous: str = "FULL"
    busy_timeout: float = 5.0
    existing: bool = False

    def module(self) -> ModuleType:
        """The one SQLite library of this process: two of them on one file can corrupt it.

        Raises ConfigError when it is not installed or unsafe.
        """
        name = "sqlcipher3" if self.key else "pysqlite3"
        try:
            module = importlib.import_module(f"{name}.dbapi2")
        except ImportError:
            hint = "pip install 'mainspring[encryption]'" if self.key else "pip install mainspring"
            raise ConfigError([Mistake("database.url", f"the package {name} is not installed", hint)]) from None
        check_version(module.sqlite_version_info)
        return module

    def open(self, *, reading: bool = False) -> Any:
        """A connection in autocommit mode, usable from any thread (one at a time)."""
        module = self.module()
        connection = module.connect(
            f"{self.path.absolute().as_uri()}?mode=rw" if self.existing else str(self.path),
            uri=self.existing,
            timeout=self.busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
        )
        for pragma in self._pragmas(reading):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        register(connection)
        return connection

    def _pragmas(self, reading: bool) -> list[str]:
        key = [f"key = '{self.key.replace(chr(39), chr(39) * 2)}'"] if self.key else []
        return [
            *key,
            *([] if self.existing else ["journal_mode = WAL"]),
            f"synchronous = {self.synchronous}",
            "foreign_keys = ON",
            f"wal_autocheckpoint = {WAL_PAGES}",
            f"cache_size = -{CACHE_KIB}",
            *([] if self.key else [f"mmap_size = {MMAP_BYTES}"]),
            "temp_store = MEMORY",
            "trusted_schema = OFF",
            *(["query_only = ON"] if reading else []),
        ]


def check_version(version: tuple[int, int, int]) -> None:
    """Refuse libraries with the WAL-reset race (sqlite.org/wal.html), which can lose commits. Raises ConfigError."""
    fixed = version >= (3, 51, 3) or (3, 44, 6) <= version < (3, 45, 0) or (3, 50, 7) <= version < (3, 51, 0)
    if not fixed:
        found = ".".join(map(str, version))
        raise ConfigError(
            [
                Mistake(
                    "database.url",
                    f"SQLite {found} can lose commits (the WAL-reset race)",
                    "install pysqlite3 with SQLite 3.51.3 or later: pip install -U pysqlite3",
                )
            ]
        )
