"""Checks on columns that a model gains later: they are held from then on; rows already there that break one stop the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import CheckConstraint, Column, Computed, Integer, MetaData, Table, Text

from mainspring import Mainspring
from mainspring.errors import ConfigError
from mainspring.settings import AuthSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

QUIET = Settings(auth=AuthSettings(enabled=False))
GOODS = "/rest/v1/goods"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database that outlives a client."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'checks.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database("checks")


def served(url: str, *more: Any) -> TestClient:
    metadata = MetaData()
    Table("goods", metadata, Column("id", Integer, primary_key=True), Column("price", Integer), *more)
    return TestClient(Mainspring(models=metadata), url, settings=QUIET)


async def begun(url: str) -> None:
    """A table with one row, before it has gained anything."""
    async with served(url) as client:
        assert (await client.as_service().post(GOODS, json={"id": 1, "price": 5})).status_code == 201


def refused(answer: httpx.Response, name: str) -> bool:
    return (answer.status_code, answer.json()["code"]) == (400, "23514") and name in answer.json()["message"]


def gained() -> tuple[Any, ...]:
    return (
        Column("rebate", Integer, CheckConstraint("rebate >= 0")),
        Column("Label", Text),
        Column("length", Integer, default=3, nullable=False),
        Column("double", Integer, Computed("price * 2")),
        CheckConstraint("REBATE < Price AND \"Label\" <> 'free'", name="honest"),
        CheckConstraint("length > 2 OR price IS NULL", name="long"),
        CheckConstraint("double < 1000", name="affordable"),
        CheckConstraint("length('price') > price", name="of_old"),  # of what was there nothing is asked
    )


async def test_checks_come_with_the_columns_that_they_are_about(url: str) -> None:
    await begun(url)
    async with served(url, *gained()) as client:
        post = client.as_service().post
        assert refused(await post(GOODS, json={"id": 2, "rebate": -1}), "goods_rebate_check")
        assert refused(await post(GOODS, json={"id": 2, "price": 3, "rebate": 3, "Label": "x"}), "honest")
        assert refused(await post(GOODS, json={"id": 2, "price": 3, "rebate": 1, "Label": "free"}), "honest")
        assert refused(await post(GOODS, json={"id": 2, "price": 3, "length": 1}), "long")
        assert refused(await post(GOODS, json={"id": 2, "price": 500}), "affordable")
        good = {"id": 2, "price": 30, "rebate": 1, "Label": "x", "length": 3}
        assert (await post(GOODS, json=good)).status_code == 201
        changed = await client.as_service().patch(f"{GOODS}?id=eq.1", json={"rebate": 9})
        assert refused(changed, "honest")
    async with served(url, *gained()) as client:
        assert len((await client.as_service().get(GOODS)).json()) == 2  # the next start finds everything there


async def test_a_column_that_is_called_like_a_word_of_an_older_check_is_added(url: str) -> None:
    def worded() -> CheckConstraint:
        return CheckConstraint("CAST(price AS text) <> '7'", name="worded")

    async with served(url, worded()):
        pass
    async with served(url, worded(), Column("text", Integer)) as client:
        assert refused(await client.as_service().post(GOODS, json={"id": 1, "price": 7, "text": 1}), "worded")


@pytest.mark.parametrize("broken", ["rebate > 5", "rebate > price"])
async def test_rows_that_are_there_and_break_a_check_stop_the_start(url: str, broken: str) -> None:
    await begun(url)
    column = Column("rebate", Integer, default=1, nullable=False)
    with pytest.raises(ConfigError, match=r"check constraint.*fair|CHECK constraint failed.*fair"):
        async with served(url, column, CheckConstraint(broken, name="fair")):
            pass
    async with served(url) as client:  # and nothing was altered
        assert (await client.as_service().get(GOODS)).json() == [{"id": 1, "price": 5}]
    async with served(url, Column("rebate", Integer, default=1, nullable=False)) as client:
        assert (await client.as_service().get(GOODS)).json() == [{"id": 1, "price": 5, "rebate": 1}]


async def test_a_check_that_the_database_cannot_read_stops_the_start(url: str) -> None:
    await begun(url)
    with pytest.raises(ConfigError, match=r"refused to create the schema.*no_function"):
        async with served(url, Column("rebate", Integer), CheckConstraint("no_function(rebate)", name="odd")):
            pass
