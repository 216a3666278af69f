"""A record shop's database served as it is found, on both engines: questions over HTTP, each checked against plain SQL."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mainspring.app import Mainspring
from mainspring.settings import DatabaseSettings, Settings
from mainspring.testing.client import TestClient
from tests.support import chinook
from tests.support.servers import PostgresServer

OPEN = Settings(database=DatabaseSettings(open_read=True))
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the data API and of the database, with the names of the PostgreSQL script."""

    what: str
    path: str
    sql: str
    told: Callable[[Rows], list[tuple[Any, ...]]] = lambda rows: [tuple(row.values()) for row in rows]

    def __str__(self) -> str:
        return self.what.replace(" ", "-")


def nested(member: str, *keys: str) -> Callable[[Rows], list[tuple[Any, ...]]]:
    """The rows embedded as `member`, each under what else its parent says."""
    return lambda rows: [
        (*(value for key, value in row.items() if key != member), *(item[key] for key in keys))
        for row in rows
        for item in row[member]
    ]


QUESTIONS = (
    Question(
        "the ten best-selling artists",
        "invoice_line?select=...track(...album(...artist(artist:name))),sold:quantity.sum()"
        "&order=quantity.sum().desc&limit=10",
        "SELECT sum(l.quantity), a.name FROM invoice_line l JOIN track t ON t.track_id = l.track_id JOIN album b"
        " ON b.album_id = t.album_id JOIN artist a ON a.artist_id = b.artist_id GROUP BY a.name ORDER BY 1 DESC, 2 LIMIT 10",
        lambda rows: [(row["sold"], row["artist"]) for row in rows],
    ),
    Question(
        "the invoices of a country",
        "invoice?select=invoice_id,invoice_date,total&billing_country=eq.Germany&order=invoice_date.desc",
        "SELECT invoice_id, invoice_date, total FROM invoice WHERE billing_country = 'Germany' ORDER BY 2 DESC, 1 DESC",
    ),
    Question(
        "the tracks of a playlist",
        "playlist?name=eq.Grunge&select=name,track(name)&track.order=name",
        "SELECT p.name, t.name FROM playlist p JOIN playlist_track x ON x.playlist_id = p.playlist_id JOIN track t"
        " ON t.track_id = x.track_id WHERE p.name = 'Grunge' ORDER BY 2",
        nested("track", "name"),
    ),
    Question(
        "the tracks never sold",
        "track?select=track_id,name,invoice_line()&invoice_line=is.null&order=track_id",
        "SELECT track_id, name FROM track t WHERE NOT EXISTS (SELECT 1 FROM invoice_line l WHERE l.track_id = t.track_id)"
        " ORDER BY track_id LIMIT 1000",
        lambda rows: [(row["track_id"], row["name"]) for row in rows],
    ),
    Question(
        "the customers of an employee",
        "employee?select=last_name,customer(first_name,last_name)&last_name=eq.Peacock&customer.order=last_name,first_name",
        "SELECT e.last_name, c.first_name, c.last_name FROM employee e JOIN customer c ON c.support_rep_id = e.employee_id"
        " WHERE e.last_name = 'Peacock' ORDER BY 3, 2",
        nested("customer", "first_name", "last_name"),
    ),
    Question(
        "genres by their tracks",
        "track?select=tracks:count(),...genre(genre:name)&order=count().desc",
        "SELECT count(*), g.name FROM track t JOIN genre g ON g.genre_id = t.genre_id GROUP BY g.name ORDER BY 1 DESC, 2",
        lambda rows: [(row["tracks"], row["genre"]) for row in rows],
    ),
    Question(
        "albums with their tracks",
        "album?artist_id=eq.22&select=title,track(name,milliseconds,unit_price)&order=album_id&track.order=track_id",
        "SELECT b.title, t.name, t.milliseconds, t.unit_price FROM album b JOIN track t ON t.album_id = b.album_id"
        " WHERE b.artist_id = 22 ORDER BY b.album_id, t.track_id",
        nested("track", "name", "milliseconds", "unit_price"),
    ),
    Question(
        "the longest track of each media type",
        "track?select=longest:milliseconds.max(),...media_type(kind:name)&order=milliseconds.max().desc",
        "SELECT max(t.milliseconds), m.name FROM track t JOIN media_type m ON m.media_type_id = t.media_type_id"
        " GROUP BY m.name ORDER BY 1 DESC",
        lambda rows: [(row["longest"], row["kind"]) for row in rows],
    ),
    Question(
        "employees and their managers",
        "employee?select=last_name,hire_date,manager:reports_to(last_name)&order=employee_id",
        "SELECT e.last_name, e.hire_date, m.last_name FROM employee e LEFT JOIN employee m ON m.employee_id = e.reports_to"
        " ORDER BY e.employee_id",
        lambda rows: [(row["last_name"], row["hire_date"], (row["manager"] or {}).get("last_name")) for row in rows],
    ),
    Question(
        "the five best customers",
        "invoice?select=spent:total.sum(),...customer(customer_id,last_name)&order=total.sum().desc&limit=5",
        "SELECT sum(i.total), c.customer_id, c.last_name FROM invoice i JOIN customer c ON c.customer_id = i.customer_id"
        " GROUP BY c.customer_id, c.last_name ORDER BY 1 DESC, 2 LIMIT 5",
        lambda rows: [(row["spent"], row["customer_id"], row["last_name"]) for row in rows],
    ),
    Question(
        "countries with five customers or more",
        "customer?select=country,count()&having=(count().gte.5)&order=count().desc",
        "SELECT country, count(*) FROM customer GROUP BY country HAVING count(*) >= 5 ORDER BY 2 DESC, 1",
    ),
    Question(
        "the countries invoices go to",
        "invoice?select=billing_country&distinct=true",
        "SELECT DISTINCT billing_country FROM invoice ORDER BY 1",
    ),
    Question(
        "an invoice line by line",
        "invoice_line?invoice_id=eq.98&select=quantity,unit_price,...track(name,...album(title))&order=invoice_line_id",
        "SELECT l.quantity, l.unit_price, t.name, b.title FROM invoice_line l JOIN track t ON t.track_id = l.track_id"
        " JOIN album b ON b.album_id = t.album_id WHERE l.invoice_id = 98 ORDER BY l.invoice_line_id",
    ),
    Question(
        "employees hired since 2003",
        "employee?select=last_name,hire_date&hire_date=gte.2003-01-01&order=hire_date,last_name",
        "SELECT last_name, hire_date FROM employee WHERE hire_date >= '2003-01-01' ORDER BY hire_date, last_name",
    ),
    Question(
        "customers of Brazil whose city begins with S, with a company",
        "customer?select=last_name,city&country=eq.Brazil&city=like.S*&company=not.is.null&order=last_name",
        "SELECT last_name, city FROM customer WHERE country = 'Brazil' AND city LIKE 'S%' AND company IS NOT NULL ORDER BY 1",
    ),
)


# ---------------------------------------------------------------- the two databases


class Shop:
    """One of them: asked over HTTP as anybody, and with SQL."""

    def __init__(self, url: str, client: TestClient) -> None:
        self.url, self.client = url, client
        self.anybody = client.as_anon()

    @property
    def file(self) -> bool:
        return self.url.startswith("sqlite")

    async def ask(self, path: str) -> Rows:
        answer = await self.anybody.get(f"/rest/v1/{self.named(path)}")
        assert answer.status_code == 200, answer.text
        rows: Rows = chinook.in_snake(answer.json(parse_float=Decimal))
        return rows

    def named(self, text: str) -> str:
        return chinook.in_pascal(text) if self.file else text

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        if self.file:
            from pysqlite3 import dbapi2

            with closing(dbapi2.connect(self.url.removeprefix("sqlite:///"))) as connection:
                return [tuple(map(comparable, row)) for row in connection.execute(self.named(query))]
        import psycopg

        with psycopg.connect(self.url) as connection:
            return [tuple(map(comparable, row)) for row in connection.execute(query.encode())]


def comparable(value: Any) -> Any:
    """A value of an answer or a driver, in one form."""
    if isinstance(value, Decimal | float):
        return round(float(value), 6)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and len(value) == 19 and value[4] == value[7] == "-":
        return value.replace(" ", "T")
    return value


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chinook") / "chinook.sqlite"
    chinook.load_sqlite(path)
    return path


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, file: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{file}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    address = server.database("chinook")
    chinook.load_postgres(address)
    yield address


@pytest.fixture
async def shop(url: str) -> AsyncIterator[Shop]:
    async with TestClient(Mainspring(), url, settings=OPEN) as client:
        yield Shop(url, client)


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
async def test_answers_are_those_of_sql(shop: Shop, question: Question) -> None:
    asked = [tuple(map(comparable, row)) for row in question.told(await shop.ask(question.path))]
    assert asked
    assert asked == shop.sql(question.sql)


async def test_revenue_per_month(shop: Shop) -> None:
    for month in range(1, 13):
        start, end = f"2023-{month:02}-01", f"2023-{month + 1:02}-01" if month < 12 else "2024-01-01"
        (row,) = await shop.ask(f"invoice?select=total.sum()&invoice_date=gte.{start}&invoice_date=lt.{end}")
        query = f"SELECT sum(total) FROM invoice WHERE invoice_date >= '{start}' AND invoice_date < '{end}'"
        assert (comparable(row["sum"]),) == shop.sql(query)[0]


async def test_invoices_above_the_average(shop: Shop) -> None:
    (average,) = await shop.ask("invoice?select=total.avg()")
    rows = await shop.ask(f"invoice?select=invoice_id&total=gt.{average['avg']}&order=invoice_id")
    query = "SELECT invoice_id FROM invoice WHERE total > (SELECT avg(total) FROM invoice) ORDER BY 1"
    assert [(row["invoice_id"],) for row in rows] == shop.sql(query)


async def test_rows_are_counted(shop: Shop) -> None:
    answer = await shop.anybody.get(f"/rest/v1/{shop.named('track')}?limit=1", headers={"prefer": "count=exact"})
    assert answer.headers["content-range"] == f"0-0/{shop.sql('SELECT count(*) FROM track')[0][0]}"


async def test_both_engines_answer_the_same(file: Path, postgres: PostgresServer) -> None:
    address = postgres.database("chinook")
    chinook.load_postgres(address)
    answers: list[list[Any]] = []
    for url in (f"sqlite:///{file}", address):
        async with TestClient(Mainspring(), url, settings=OPEN) as client:
            shop = Shop(url, client)
            asked = [await shop.ask(question.path) for question in QUESTIONS]
            tables = [await shop.ask(f"{table}?limit=20") for table in ("employee", "invoice", "track", "playlist_track")]
            answers.append([*asked, *tables])
    assert trimmed(answers[0]) == trimmed(answers[1])


def trimmed(value: Any) -> Any:
    """Without blanks at the ends of texts: the script writes N'...', which PostgreSQL trims."""
    if isinstance(value, list):
        return [trimmed(item) for item in value]
    if isinstance(value, dict):
        return {key: trimmed(item) for key, item in value.items()}
    return value.rstrip() if isinstance(value, str) else value


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("table", ["artist", "invoice", "employee"])
async def test_without_open_read_only_the_service_key_gets_in(url: str, table: str) -> None:
    async with TestClient(Mainspring(), url) as client:
        shop = Shop(url, client)
        path = f"/rest/v1/{shop.named(table)}?limit=1"
        assert (await client.as_anon().get(path)).status_code == 401
        assert (await client.as_user("a11ce000-0000-4000-8000-000000000001").get(path)).status_code == 403
        assert len((await client.as_service().get(path)).json()) == 1


async def test_open_to_read_is_not_open_to_write(shop: Shop) -> None:
    path = f"/rest/v1/{shop.named('artist')}"
    someone = shop.client.as_user("a11ce000-0000-4000-8000-000000000001")
    key = shop.named("artist_id")
    for client, status in ((shop.anybody, 401), (someone, 403)):
        assert (await client.post(path, json={key: 999})).status_code == status
        assert (await client.patch(f"{path}?{key}=eq.1", json={shop.named("name"): "x"})).status_code == status
        assert (await client.delete(f"{path}?{key}=eq.1")).status_code == status


async def test_a_file_that_is_looked_at_stays_as_it_was(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    shutil.copy(file, copy)
    before = copy.read_bytes()
    async with TestClient(Mainspring(), f"sqlite:///{copy}", settings=OPEN) as client:
        await Shop(f"sqlite:///{copy}", client).ask("invoice?select=count()")
    assert copy.read_bytes() == before
    assert os.listdir(tmp_path) == ["copy.sqlite"]  # no log beside it


async def test_the_service_key_writes_as_the_file_has_it(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    shutil.copy(file, copy)
    async with TestClient(Mainspring(), f"sqlite:///{copy}") as client:
        row = {"InvoiceId": 1000, "CustomerId": 1, "InvoiceDate": "2026-01-31T13:45:00", "Total": 12.5}
        answer = await client.as_service().post("/rest/v1/Invoice", json=row, headers={"prefer": "return=representation"})
        assert answer.status_code == 201, answer.text
        assert answer.json()[0]["InvoiceDate"] == "2026-01-31T13:45:00"
        query = "SELECT InvoiceDate || '|', typeof(Total) FROM Invoice WHERE InvoiceId = 1000"
        assert Shop(f"sqlite:///{copy}", client).sql(query) == [("2026-01-31 13:45:00|", "real")]
