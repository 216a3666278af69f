"""Computed columns and relations over HTTP, on every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import JSON, ForeignKey, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring, case, coalesce
from mainspring.testing.client import TestClient

ADA = "ada00000-0000-4000-8000-000000000001"


class Base(DeclarativeBase):
    """The tables."""


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str]
    last_name: Mapped[str | None]
    secret: Mapped[str] = mapped_column(default="hush")
    extra: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    price: Mapped[float] = mapped_column(Numeric(10, 2))
    quantity: Mapped[int]
    packer: Mapped[str | None]


def application() -> Mainspring:
    """People, their orders, and what is made of them."""
    app = Mainspring(models=Base)

    @app.policy(Person, "all")
    @app.policy(Order, "all")
    def everything(row: Any, me: Any) -> Any:
        return True

    app.grant(Person, "select", exclude=["secret"])

    @app.computed(Person)
    def full_name(person: Any) -> Any:
        """Both names."""
        return person.first_name + coalesce(" " + person.last_name, "")

    @app.computed(Person, name="whispered")
    def _whispered(person: Any) -> Any:
        return person.secret.lower()

    @app.computed(Person)
    def address(person: Any) -> Any:
        return person.extra["address"].as_json()

    @app.computed(Order)
    def total(order: Any) -> Any:
        return order.price * order.quantity

    @app.computed(Order)
    def size(order: Any) -> Any:
        return case(order.quantity > 5, "large", "small")

    @app.relation(Order, Person, single=True, inverse="packed")
    def packed_by(order: Any, person: Any) -> Any:
        return person.first_name.lower() == order.packer.lower()

    @app.seed
    def rows() -> Any:
        people = [("Ada", "Byron", {"address": {"city": "London"}}), ("Bo", None, {})]
        orders = [(1, "9.99", 3, "BO"), (1, "100.00", 10, "nobody"), (2, "0.50", 1, None)]
        return {
            Person: [
                {"id": number, "first_name": first, "last_name": last, "extra": extra}
                for number, (first, last, extra) in enumerate(people, 1)
            ],
            Order: [
                {"id": number, "person_id": person, "price": price, "quantity": quantity, "packer": packer}
                for number, (person, price, quantity, packer) in enumerate(orders, 1)
            ],
        }

    return app


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Somebody signed in."""
    urls = {"memory": "memory://", "sqlite": ""}
    url = urls.get(request.param) if request.param in urls else request.getfixturevalue("postgres").database("computed")
    async with TestClient(application(), url or "") as served:
        yield served.as_user(ADA)


READS: list[tuple[str, Any]] = [
    ("people?select=full_name&order=full_name.desc", [{"full_name": "Bo"}, {"full_name": "Ada Byron"}]),
    ("people?select=id,n:full_name&full_name=like.*Byron", [{"id": 1, "n": "Ada Byron"}]),
    ("people?select=id&or=(full_name.eq.Bo,address->>city.eq.London)&order=id", [{"id": 1}, {"id": 2}]),
    ("people?select=town:address->>city,address->city&id=eq.1", [{"town": "London", "city": "London"}]),
    ("people?select=address&id=eq.1", [{"address": {"city": "London"}}]),
    ("orders?select=id,total&total=gte.29.97&order=total", [{"id": 1, "total": 29.97}, {"id": 2, "total": 1000.0}]),
    ("orders?select=total::text&id=eq.1", [{"total": "29.97"}]),
    ("orders?select=size,total.sum()&order=size", [{"size": "large", "sum": 1000.0}, {"size": "small", "sum": 30.47}]),
    ("orders?select=id,...people(full_name)&order=people(full_name).desc,id", [
        {"id": 3, "full_name": "Bo"}, {"id": 1, "full_name": "Ada Byron"}, {"id": 2, "full_name": "Ada Byron"},
    ]),
    ("people?select=id,orders(total)&orders.size=eq.large&order=id", [
        {"id": 1, "orders": [{"total": 1000.0}]}, {"id": 2, "orders": []},
    ]),
    ("orders?select=id,packed_by(full_name)&order=id", [
        {"id": 1, "packed_by": {"full_name": "Bo"}}, {"id": 2, "packed_by": None}, {"id": 3, "packed_by": None},
    ]),
    ("orders?select=id,packed_by!inner(id)", [{"id": 1, "packed_by": {"id": 2}}]),
    ("orders?select=id,packed_by(id)&packed_by=is.null&order=id&limit=1", [{"id": 2, "packed_by": None}]),
    ("orders?select=id,...packed_by(name:first_name)&order=packed_by(first_name),id&limit=1", [{"id": 1, "name": "Bo"}]),
    ("people?select=id,packed(id,people(full_name))&order=id", [
        {"id": 1, "packed": []}, {"id": 2, "packed": [{"id": 1, "people": {"full_name": "Ada Byron"}}]},
    ]),
]  # fmt: skip


async def test_reads(client: Any) -> None:
    for path, expected in READS:
        answer = await client.get(f"/rest/v1/{path}")
        assert (path, answer.status_code, answer.json()) == (path, 200, expected)


async def test_it_is_no_part_of_all(client: Any) -> None:
    (row,) = (await client.get("/rest/v1/people?id=eq.2")).json()
    assert row == {"id": 2, "first_name": "Bo", "last_name": None, "extra": {}}


async def test_it_is_counted_and_told_in_csv(client: Any) -> None:
    answer = await client.get("/rest/v1/people?select=full_name&order=id&limit=1", headers={"prefer": "count=exact"})
    assert answer.headers["content-range"] == "0-0/2"
    told = await client.get("/rest/v1/orders?select=id,total&order=id", headers={"accept": "text/csv"})
    assert told.text.splitlines()[:2] == ["id,total", "1,29.97"]


async def test_what_reads_a_hidden_column_is_hidden(client: Any) -> None:
    for path in ("people?select=whispered", "people?whispered=eq.hush", "people?order=whispered"):
        answer = await client.get(f"/rest/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "42501")


async def test_nobody_writes_it(client: Any) -> None:
    answer = await client.post("/rest/v1/people", json={"id": 9, "first_name": "Cy", "full_name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "428C9")
    answer = await client.patch("/rest/v1/people?id=eq.1", json={"full_name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "428C9")


async def test_writes_answer_it_and_are_picked_by_it(client: Any) -> None:
    prefer = {"prefer": "return=representation"}
    person = {"id": 9, "first_name": "Cy", "last_name": "Dee"}
    answer = await client.post("/rest/v1/people?select=full_name", json=person, headers=prefer)
    assert (answer.status_code, answer.json()) == (201, [{"full_name": "Cy Dee"}])
    answer = await client.patch("/rest/v1/people?full_name=eq.Cy Dee&select=full_name", json={"last_name": "Eff"}, headers=prefer)
    assert answer.json() == [{"full_name": "Cy Eff"}]
    answer = await client.delete("/rest/v1/people?full_name=eq.Cy Eff&select=full_name", headers=prefer)
    assert answer.json() == [{"full_name": "Cy Eff"}]


async def test_an_unknown_one_is_suggested(client: Any) -> None:
    answer = await client.get("/rest/v1/people?select=full_nam")
    assert (answer.status_code, "full_name" in answer.text) == (400, True)


async def test_the_description_names_it(client: Any) -> None:
    described = (await client.get("/rest/v1/")).json()["definitions"]["people"]
    assert described["properties"]["full_name"]["description"] == "Both names."
    assert described["properties"]["full_name"]["readOnly"] is True
    assert "whispered" not in described["properties"]
