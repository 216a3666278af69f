"""Views declared on models, over HTTP on every engine: read under policies of their own, embedded, written where they can be."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from pysqlite3 import dbapi2
from sqlalchemy import DateTime, ForeignKey, Numeric, Select, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring
from mainspring.errors import ConfigError
from mainspring.settings import RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

API = "/rest/v1"
ADA = "a0000000-0000-4000-8000-000000000001"
BIG = "SELECT id, title, price FROM goods WHERE price > 5"


def application(
    big: str | Select[Any] = BIG, *, columns: Sequence[str] = (), writable: bool = False, broken: bool = False
) -> Mainspring:
    """A shop with views; of `big` the definition, further columns and whether it is written can be chosen."""

    class Base(DeclarativeBase):
        """The base of the models."""

    class Kind(Base):
        __tablename__ = "kinds"
        __table_args__ = {"schema": "stock"}  # noqa: RUF012 - SQLAlchemy reads it so
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    class Good(Base):
        __tablename__ = "goods"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind_id: Mapped[int] = mapped_column(ForeignKey("stock.kinds.id"))
        title: Mapped[str]
        price: Mapped[Decimal] = mapped_column(Numeric(8, 2))
        since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
        secret: Mapped[str | None]

    totals = (
        select(
            Kind.id.label("kind_id"),
            Kind.name,
            func.count(Good.id).label("goods"),
            func.sum(Good.price).label("worth"),
            func.max(Good.since).label("latest"),
        )
        .join(Good, Good.kind_id == Kind.id)
        .where(Good.title != "it's hidden", Good.since >= datetime(2020, 1, 1, tzinfo=UTC))
        .group_by(Kind.id, Kind.name)
    )

    class Total(Base):
        __tablename__ = "totals"
        __table_args__ = {"info": {"view": totals}}  # noqa: RUF012 - SQLAlchemy reads it so
        kind_id: Mapped[int] = mapped_column(ForeignKey("stock.kinds.id"), primary_key=True)
        name: Mapped[str]
        goods: Mapped[int]
        worth: Mapped[Decimal] = mapped_column(Numeric(10, 2))
        latest: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    members: dict[str, Any] = {
        "__tablename__": "big_goods",
        "__table_args__": {"info": {"view": big, "writable": writable}},
        "__annotations__": {"id": Mapped[int], "title": Mapped[str], "price": Mapped[Decimal]},
        "id": mapped_column(primary_key=True),
        "price": mapped_column(Numeric(8, 2)),
    }
    for name in columns:
        members["__annotations__"][name] = Mapped[int | None]
    big_good = type("BigGood", (Base,), members)

    app = Mainspring(models=Base)

    @app.policy(Kind, "select", to="authenticated")
    def every(row: Any, me: Any) -> bool:
        return True

    @app.policy(Total, "select", to=["anon", "authenticated"])
    def named(row: Any, me: Any) -> Any:
        return row.name != "secret"

    @app.policy(big_good, "all", to="authenticated")
    def moderate(row: Any, me: Any) -> Any:
        return row.price < 100

    @app.policy(big_good, "all", to="keeper")
    def whatever(row: Any, me: Any) -> bool:
        return True

    @app.seed
    def rows() -> dict[Any, list[dict[str, Any]]]:
        since = datetime(2026, 1, 1, 8, tzinfo=UTC)
        goods = [(1, 1, "tea", 3), (2, 1, "pot", 20), (3, 2, "cup", 7), (4, 3, "gem", 500), (5, 1, "it's hidden", 9)]
        return {
            Kind: [{"id": 1, "name": "kitchen"}, {"id": 2, "name": "table"}, {"id": 3, "name": "secret"}],
            Good: [
                {"id": number, "kind_id": kind, "title": title, "price": price, "since": since, "secret": "s"}
                for number, kind, title, price in goods
            ],
        }

    return app


def settings() -> Settings:
    return Settings(rest=RestSettings(schemas=("public", "stock"), plan_enabled=True))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database that outlives a client."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'views.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database("views")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_view_is_read_under_its_own_policies(url: str) -> None:
    async with TestClient(application(), url, settings=settings()) as client:
        anon = client.as_anon()
        answer = await anon.get(f"{API}/totals", headers={"prefer": "count=exact"})
        latest = "2026-01-01T08:00:00+00:00"
        assert answer.json() == [
            {"kind_id": 1, "name": "kitchen", "goods": 2, "worth": 23.0, "latest": latest},
            {"kind_id": 2, "name": "table", "goods": 1, "worth": 7.0, "latest": latest},
        ]
        assert ":23.00," in answer.text.replace(" ", "")  # a number has the decimals that its model says
        assert answer.headers["content-range"] == "0-1/2"
        assert (await anon.get(f"{API}/totals?select=name&worth=gt.10&latest=gte.2026-01-01")).json() == [{"name": "kitchen"}]
        assert code(await anon.get(f"{API}/big_goods")) == (401, "42501")
        ada = client.as_user(ADA)
        assert (await ada.get(f"{API}/big_goods?select=title&order=price.desc")).json() == [
            {"title": "pot"}, {"title": "it's hidden"}, {"title": "cup"}
        ]  # fmt: skip
        assert code(await ada.get(f"{API}/big_goods?select=secret")) == (400, "42703")
        assert code(await ada.get(f"{API}/goods")) == (403, "42501")  # the view's policy is none of the table's


async def test_a_view_is_embedded_by_the_keys_that_its_model_names(url: str) -> None:
    async with TestClient(application(), url, settings=settings()) as client:
        ada = client.as_user(ADA)
        answer = await ada.get(f"{API}/totals?select=goods,kinds(name)&order=goods")
        assert answer.json() == [{"goods": 1, "kinds": {"name": "table"}}, {"goods": 2, "kinds": {"name": "kitchen"}}]
        answer = await ada.get(f"{API}/kinds?select=name,totals(worth)&order=id", headers={"accept-profile": "stock"})
        assert answer.json() == [
            {"name": "kitchen", "totals": {"worth": 23.00}},
            {"name": "table", "totals": {"worth": 7.00}},
            {"name": "secret", "totals": None},
        ]


async def test_a_view_is_not_written_unless_it_says_so(url: str) -> None:
    async with TestClient(application(), url, settings=settings()) as client:
        service = client.as_service()
        for write in (
            service.post(f"{API}/big_goods", json={"id": 9, "title": "x", "price": 9}),
            service.patch(f"{API}/big_goods?id=eq.2", json={"title": "x"}),
            service.delete(f"{API}/totals?kind_id=eq.1"),
        ):
            assert code(await write) == (400, "PGRST127")
        allowed = await service.request("OPTIONS", f"{API}/big_goods")
        assert allowed.headers["allow"] == "OPTIONS,GET,HEAD"


WRITABLE = "SELECT id, title, price, kind_id FROM goods WHERE price > 5"
NEW = {"title": "jar", "price": 50, "kind_id": 1}
TRIGGERS = """
CREATE TRIGGER goods_in INSTEAD OF INSERT ON big_goods BEGIN
  INSERT INTO goods (id, title, price, kind_id) VALUES (new.id, {title}, new.price, new.kind_id); END;
CREATE TRIGGER "instead" INSTEAD OF UPDATE ON big_goods BEGIN
  UPDATE goods SET id = new.id, title = {title}, price = new.price, kind_id = new.kind_id WHERE id = old.id; END;
CREATE TRIGGER goods_out INSTEAD OF DELETE ON big_goods BEGIN DELETE FROM goods WHERE id = old.id; END;
"""


def writable() -> Mainspring:
    return application(WRITABLE, columns=["kind_id"], writable=True)


async def triggered(url: str, statements: str = TRIGGERS.format(title="new.title")) -> None:
    """The view, and on SQLite the triggers by which it is written: PostgreSQL needs none for it."""
    async with TestClient(writable(), url, settings=settings()):
        pass
    if url.startswith("sqlite"):
        with closing(dbapi2.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(statements)


async def test_a_writable_view_is_written(url: str) -> None:
    await triggered(url)
    async with TestClient(writable(), url, settings=settings()) as client:
        ada = client.as_user(ADA)
        shown = {"prefer": "return=representation"}
        answer = await ada.post(f"{API}/big_goods", json={"id": 9, **NEW}, headers=shown)
        assert (answer.status_code, answer.json()) == (201, [{"id": 9, **NEW}])
        assert code(await ada.post(f"{API}/big_goods", json={"id": 10, **NEW, "price": 200})) == (403, "42501")
        assert code(await ada.post(f"{API}/big_goods", json={"id": 9, **NEW})) == (409, "23505")
        answer = await ada.patch(f"{API}/big_goods?price=gte.20&order=id&limit=5", json={"title": "tin"}, headers=shown)
        assert [row["id"] for row in answer.json()] == [2, 9]
        assert (await ada.patch(f"{API}/big_goods?id=eq.4", json={"title": "tin"}, headers=shown)).json() == []
        assert code(await ada.patch(f"{API}/big_goods?id=eq.9", json={"price": 200})) == (403, "42501")
        counted = {"prefer": "count=exact"}
        changed = await ada.patch(f"{API}/big_goods?id=in.(2,4,9)", json={"kind_id": 2}, headers=counted)
        assert changed.headers["content-range"].endswith("/2")
        answer = await ada.delete(f"{API}/big_goods?id=in.(4,9)&select=id", headers=shown)
        assert answer.json() == [{"id": 9}]
        gone = await ada.delete(f"{API}/big_goods?id=in.(2,4)", headers=counted)
        assert (gone.status_code, gone.headers["content-range"]) == (204, "*/1")
        merge = {"prefer": "resolution=merge-duplicates"}
        assert code(await ada.post(f"{API}/big_goods", json={"id": 3, **NEW}, headers=merge)) == (400, "PGRST127")
        many = await ada.post(f"{API}/big_goods", json=[{"id": 11, **NEW}, {"id": 12, **NEW}], headers=counted)
        assert (many.status_code, many.headers["content-range"]) == (201, "*/2")
        left = await client.as_service().get(f"{API}/goods?select=id,title&order=id")
        assert left.json()[2:] == [
            {"id": 4, "title": "gem"}, {"id": 5, "title": "it's hidden"}, {"id": 11, "title": "jar"}, {"id": 12, "title": "jar"}
        ]  # fmt: skip


async def test_an_upsert_that_ignores_is_taken_by_a_view_on_postgresql(url: str) -> None:
    await triggered(url)
    async with TestClient(writable(), url, settings=settings()) as client:
        ignore = {"prefer": "resolution=ignore-duplicates, return=representation"}
        rows = [{"id": 3, **NEW}, {"id": 11, **NEW}]
        answer = await client.as_user(ADA).post(f"{API}/big_goods?select=id", json=rows, headers=ignore)
        if url.startswith("sqlite"):
            assert code(answer) == (400, "PGRST127")
        else:
            assert answer.json() == [{"id": 11}]


# ---------------------------------------------------------------- what triggers make of it, on SQLite


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'views.sqlite'}"


OTHERWISE = {
    "expensive": TRIGGERS.format(title="new.title").replace("new.price, new.kind_id)", "new.price + 100, new.kind_id)"),
    "dearer": TRIGGERS.format(title="new.title").replace("price = new.price", "price = new.price + 100"),
    "elsewhere": TRIGGERS.format(title="new.title").replace("VALUES (new.id", "VALUES (new.id + 50"),
    "nothing": TRIGGERS.format(title="new.title").replace("INSERT INTO goods (id, title, price, kind_id) VALUES", "SELECT max"),
    "replacing": TRIGGERS.format(title="new.title").replace("INSERT INTO", "INSERT OR REPLACE INTO"),
    "vanishing": TRIGGERS.format(title="new.title").replace("price = new.price", "price = 1"),
}


@pytest.mark.parametrize(
    ("triggers", "write", "answer"),
    [
        ("expensive", ("POST", "", {"id": 9, **NEW}), (403, "42501")),
        ("dearer", ("PATCH", "?id=eq.2", {"title": "x"}), (403, "42501")),
        ("elsewhere", ("POST", "", {"id": 9, **NEW}), (400, "PGRST127")),
        ("nothing", ("POST", "", {"id": 9, **NEW}), (400, "PGRST127")),
        ("replacing", ("POST", "", {"id": 4, **NEW}), (409, "23505")),
        ("replacing", ("POST", "", NEW), (400, "PGRST127")),
        ("vanishing", ("PATCH", "?id=eq.2", {"title": "x"}), (400, "PGRST127")),
    ],
)
async def test_policies_hold_for_what_is_really_written(file: str, triggers: str, write: Any, answer: tuple[int, str]) -> None:
    await triggered(file, OTHERWISE[triggers])
    method, path, body = write
    async with TestClient(writable(), file, settings=settings()) as client:
        before = (await client.as_service().get(f"{API}/goods?order=id")).json()
        assert code(await client.as_user(ADA).request(method, f"{API}/big_goods{path}", json=body)) == answer
        assert (await client.as_service().get(f"{API}/goods?order=id")).json() == before


async def test_rows_that_share_a_key_with_hidden_ones_are_not_written(file: str) -> None:
    """The model says that `id` tells the rows apart, and the view says otherwise."""
    shared = application("SELECT 1 AS id, title, price FROM goods", writable=True)
    async with TestClient(shared, file, settings=settings()):
        pass
    with closing(dbapi2.connect(file.removeprefix("sqlite:///"))) as connection:
        connection.executescript("""
            CREATE TRIGGER i INSTEAD OF INSERT ON big_goods BEGIN SELECT 1; END;
            CREATE TRIGGER u INSTEAD OF UPDATE ON big_goods BEGIN UPDATE goods SET price = new.price; END;
            CREATE TRIGGER d INSTEAD OF DELETE ON big_goods BEGIN DELETE FROM goods; END;""")
    async with TestClient(shared, file, settings=settings()) as client:
        ada = client.as_user(ADA)
        before = (await client.as_service().get(f"{API}/goods?order=id")).json()
        assert code(await ada.patch(f"{API}/big_goods?title=eq.pot", json={"price": 1})) == (400, "PGRST127")
        assert code(await ada.delete(f"{API}/big_goods?title=eq.pot")) == (400, "PGRST127")
        assert (await client.as_service().get(f"{API}/goods?order=id")).json() == before


async def test_triggers_that_go_meanwhile_are_missed_by_name(file: str) -> None:
    await triggered(file)
    async with TestClient(writable(), file, settings=settings()) as client:
        with closing(dbapi2.connect(file.removeprefix("sqlite:///"))) as connection:
            connection.execute("DROP TRIGGER goods_out")
        assert code(await client.as_user(ADA).delete(f"{API}/big_goods?id=eq.2")) == (400, "PGRST127")


async def test_what_is_shown_is_what_was_written(file: str) -> None:
    await triggered(file, TRIGGERS.format(title="upper(new.title)"))
    async with TestClient(writable(), file, settings=settings()) as client:
        shown, ada = {"prefer": "return=representation"}, client.as_user(ADA)
        answer = await ada.post(f"{API}/big_goods", json={"id": 9, **NEW}, headers=shown)
        assert answer.json() == [{"id": 9, **NEW, "title": "JAR"}]
        assert (await ada.patch(f"{API}/big_goods?id=eq.9&select=title", json={"title": "tin"}, headers=shown)).json() == [
            {"title": "TIN"}
        ]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("INSTEAD OF DELETE", None),
        ("INSTEAD OF UPDATE", "INSTEAD OF UPDATE OF title"),
        ("ON big_goods", "ON big_goods WHEN new.id > 1"),
    ],
)
async def test_without_triggers_for_every_write_a_view_is_only_read(file: str, said: str, meant: str | None) -> None:
    statements = [each for each in TRIGGERS.format(title="new.title").split("END;") if meant is not None or said not in each]
    made = "END;".join(statements).replace(said, meant or said, 1) if meant else "END;".join(statements)
    await triggered(file, made)
    async with TestClient(writable(), file, settings=settings()) as client:
        refused = await client.as_user(ADA).post(f"{API}/big_goods", json={"id": 9, **NEW})
        assert code(refused) == (400, "PGRST127")
        assert "INSTEAD OF" in refused.json()["hint"]


async def test_triggers_stay_where_a_view_is_made_anew(file: str) -> None:
    await triggered(file)
    changed = application(WRITABLE.replace("> 5", "> 1"), columns=["kind_id"], writable=True)
    async with TestClient(changed, file, settings=settings()) as client:
        answer = await client.as_user(ADA).patch(f"{API}/big_goods?id=eq.1", json={"title": "green tea"})
        assert answer.status_code == 204
        assert (await client.as_service().get(f"{API}/goods?select=title&id=eq.1")).json() == [{"title": "green tea"}]


# ---------------------------------------------------------------- what PostgreSQL makes of it


async def test_what_is_written_under_policies_is_a_row_of_the_view(postgres: PostgresServer) -> None:
    url = postgres.database("views")
    cheap = {"title": "pin", "price": 1, "kind_id": 1}
    async with TestClient(writable(), url, settings=settings()) as client:
        keeper, service = client.as_user(ADA, role="keeper"), client.as_service()
        assert code(await keeper.post(f"{API}/big_goods", json={"id": 9, **cheap})) == (403, "42501")
        assert code(await keeper.patch(f"{API}/big_goods?id=eq.2", json={"price": 1})) == (403, "42501")
        assert (await keeper.patch(f"{API}/big_goods?id=eq.2", json={"price": 6})).status_code == 204
        assert (await service.post(f"{API}/big_goods", json={"id": 9, **cheap})).status_code == 201
        assert (await service.patch(f"{API}/big_goods?id=eq.3", json={"price": 1})).status_code == 204
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER VIEW big_goods SET (check_option = local)")
        assert code(await service.post(f"{API}/big_goods", json={"id": 10, **cheap})) == (403, "42501")
        left = await service.get(f"{API}/goods?select=id,price&order=id")
    assert [(row["id"], row["price"]) for row in left.json()] == [(1, 3), (2, 6), (3, 1), (4, 500), (5, 9), (9, 1)]


async def test_the_plan_of_a_write_through_a_view_is_that_of_one_run(postgres: PostgresServer) -> None:
    analyzed = {"accept": "application/vnd.pgrst.plan+json; options=analyze"}
    async with TestClient(writable(), postgres.database("views"), settings=settings()) as client:
        ada = client.as_user(ADA)
        for write, operation in (
            (ada.post(f"{API}/big_goods", json={"id": 9, **NEW}, headers=analyzed), "Insert"),
            (ada.patch(f"{API}/big_goods?id=eq.9", json={"price": 60}, headers=analyzed), "Update"),
            (ada.delete(f"{API}/big_goods?id=eq.2", headers=analyzed), "Delete"),
        ):
            assert (await write).json()[0]["Plan"]["Operation"] == operation
        assert code(await ada.patch(f"{API}/big_goods?id=eq.9", json={"price": 200}, headers=analyzed)) == (403, "42501")
        left = await ada.get(f"{API}/big_goods?select=id,price&order=id")
    assert left.json() == [{"id": 3, "price": 7.00}, {"id": 5, "price": 9.00}, {"id": 9, "price": 60.00}]


async def test_a_view_that_cannot_be_written_must_not_say_so(url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite is asked for triggers when it is written to")
    joined = "SELECT min(id) AS id, title, min(price) AS price FROM goods GROUP BY title"
    with pytest.raises(ConfigError, match="cannot write to this view"):
        async with TestClient(application(joined, writable=True), url, settings=settings()):
            pass


async def test_a_view_is_made_anew_where_its_text_has_changed(url: str) -> None:
    path = f"{API}/big_goods?select=id&order=id"
    async with TestClient(application(), url, settings=settings()) as client:
        assert [row["id"] for row in (await client.as_service().get(path)).json()] == [2, 3, 4, 5]
    for _ in range(2):  # unchanged the second time
        async with TestClient(application(BIG.replace("> 5", "> 10")), url, settings=settings()) as client:
            assert [row["id"] for row in (await client.as_service().get(path)).json()] == [2, 4]
    other = "SELECT price * 2 AS price, kind_id, title, id FROM goods"
    async with TestClient(application(other, columns=["kind_id"]), url, settings=settings()) as client:
        answer = await client.as_service().get(f"{API}/big_goods?select=price,kind_id&id=eq.1")
        assert answer.json() == [{"price": 6.00, "kind_id": 1}]
        assert len((await client.as_service().get(f"{API}/goods")).json()) == 5


@pytest.mark.parametrize(
    ("sql", "columns", "told"),
    [(BIG, ["weight"], "weight"), ("SELECT id FROM nowhere", [], "nowhere"), ("SELEC 1", [], "SELEC")],
)
async def test_a_view_that_is_wrong_is_told_at_the_start(url: str, sql: str, columns: Sequence[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        async with TestClient(application(sql, columns=columns), url, settings=settings()):
            pass


async def test_a_view_in_memory_is_refused_and_its_neighbours_are_not() -> None:
    async with TestClient(application(), settings=settings()) as client:
        service = client.as_service()
        for path in ("totals", "goods?select=id,big_goods(id)", "big_goods"):
            answer = await service.get(f"{API}/{path}")
            assert answer.status_code == 400, path
        assert code(await service.get(f"{API}/totals")) == (400, "PGRST127")
        kinds = await service.get(f"{API}/kinds?select=id,totals(worth)", headers={"accept-profile": "stock"})
        assert code(kinds) == (400, "PGRST127")
        assert len((await service.get(f"{API}/goods")).json()) == 5
