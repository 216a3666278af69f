"""Opens an existing file to see what it holds."""

from __future__ import annotations

from mainspring.catalog.found import Found
from mainspring.engines.sqlite.connection import Source
from mainspring.engines.sqlite.introspect.read import introspect
from mainspring.errors import ConfigError, Mistake


def look(source: Source) -> Found:
    """What the file holds. Raises ConfigError where there is none, or none that can be read."""
    if not source.path.is_file():
        cure = "name an existing file, or the app that makes one"
        raise ConfigError([Mistake("database.url", f"there is no file {source.path}", cure)])
    module = source.module()
    try:
        connection = source.open(reading=True)
        try:
            return introspect(connection)
        finally:
            connection.close()
    except module.Error as error:
        raise ConfigError([Mistake("database.url", f"cannot read {source.path}: {error}")]) from error
