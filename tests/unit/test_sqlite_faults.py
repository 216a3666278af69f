"""SQLite's refusals as typed leaves: what a trigger's author says reaches the client, what SQLite itself says does not."""

from __future__ import annotations

import pytest
from pysqlite3 import dbapi2

from mainspring.engines.sqlite.faults import leaf
from mainspring.errors import EngineFault, Refusal


def test_a_trigger_s_words_are_told() -> None:
    error = leaf(dbapi2.IntegrityError("not today"), None)
    assert isinstance(error, Refusal)
    assert error.message == "not today"


@pytest.mark.parametrize(
    "said",
    [
        "UNIQUE constraint failed: auth_users.email",
        "FOREIGN KEY constraint failed",
        "cannot store TEXT value in INTEGER column auth_users.aal",
        "datatype mismatch",
        "constraint failed",
    ],
)
def test_sqlite_s_own_words_are_not_where_nothing_is_known_of_the_table(said: str) -> None:
    error = leaf(dbapi2.IntegrityError(said), None)
    assert isinstance(error, EngineFault)
    assert "auth_users" not in f"{error.message} {error.details} {error.hint}"
