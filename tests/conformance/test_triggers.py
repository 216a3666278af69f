"""Triggers of the application's own in its database: what they refuse, the client reads, and nobody else loses anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from pysqlite3 import dbapi2
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

API = "/rest/v1/orders"
POSTGRES = """
CREATE FUNCTION judged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.amount = 13 THEN RAISE EXCEPTION 'no % today', NEW.amount USING DETAIL = 'luck', HINT = 'take 14'; END IF;
  IF NEW.amount = 402 THEN RAISE EXCEPTION 'pay first' USING ERRCODE = 'PT402'; END IF;
  IF NEW.amount = 500 THEN PERFORM 1 / 0; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER judging BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION judged()
"""
SQLITE = """
CREATE TRIGGER judging BEFORE INSERT ON orders BEGIN
  SELECT RAISE({how}, 'no 13 today') WHERE NEW.amount = 13; END;
CREATE TRIGGER judging_changes BEFORE UPDATE ON orders BEGIN
  SELECT RAISE({how}, 'no 13 today') WHERE NEW.amount = 13; END;
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'triggers.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database("triggers")


def application() -> Mainspring:
    class Base(DeclarativeBase):
        """The base of the models."""

    class Order(Base):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)
        amount: Mapped[int]

    app = Mainspring(models=Base)
    app.policy(Order, "all", to="anon")(lambda _order, _me: True)
    return app


async def judged(url: str, how: str = "ABORT") -> None:
    """Make the tables, and the triggers on them."""
    async with TestClient(application(), url):
        pass
    if url.startswith("sqlite"):
        with closing(dbapi2.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(SQLITE.format(how=how))
    else:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(POSTGRES)


async def amounts(client: TestClient) -> Sequence[int]:
    return sorted(row["amount"] for row in (await client.as_anon().get(API)).json())


async def test_what_a_trigger_refuses_is_the_client_s_to_read(url: str) -> None:
    await judged(url)
    async with TestClient(application(), url) as client:
        anybody = client.as_anon()
        assert (await anybody.post(API, json={"id": 1, "amount": 12})).status_code == 201
        for answer in (
            await anybody.post(API, json={"id": 2, "amount": 13}),
            await anybody.post(API, json=[{"id": 3, "amount": 5}, {"id": 4, "amount": 13}]),
            await anybody.patch(f"{API}?id=eq.1", json={"amount": 13}),
        ):
            assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (400, "P0001", "no 13 today")
        assert await amounts(client) == [12]


async def test_a_trigger_says_more(postgres: PostgresServer) -> None:
    url = postgres.database("triggers")
    await judged(url)
    async with TestClient(application(), url) as client:
        anybody = client.as_anon()
        said = (await anybody.post(API, json={"id": 2, "amount": 13})).json()
        assert (said["details"], said["hint"]) == ("luck", "take 14")
        unpaid = await anybody.post(API, json={"id": 2, "amount": 402})
        assert (unpaid.status_code, unpaid.json()["message"]) == (402, "pay first")
        broken = await anybody.post(API, json={"id": 2, "amount": 500})
        assert broken.status_code == 500
        assert "zero" not in broken.text, "what nobody meant for clients stays inside"


@pytest.mark.parametrize("how", ["ABORT", "FAIL", "ROLLBACK"])
async def test_others_who_write_at_once_lose_nothing(tmp_path: Path, how: str) -> None:
    """A trigger may end the transaction that their writes share."""
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    await judged(url, how)
    async with TestClient(application(), url) as client:
        anybody = client.as_anon()
        wanted = [13 if number % 5 == 3 else number + 100 for number in range(40)]
        answers = await asyncio.gather(*(anybody.post(API, json={"id": n, "amount": each}) for n, each in enumerate(wanted)))
        assert [answer.status_code for answer in answers] == [400 if each == 13 else 201 for each in wanted]
        assert {answer.json()["message"] for answer in answers if answer.status_code == 400} == {"no 13 today"}
        assert await amounts(client) == [each for each in wanted if each != 13]
