"""Computed columns and relations, declared in the policy language: the same values and rows on every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mainspring.catalog.model import Catalog
from mainspring.errors import ColumnGenerated, ColumnUnknown, PermissionDenied
from mainspring.policy.computed import Computations
from mainspring.policy.expr import case, coalesce
from mainspring.policy.registry import Grant, Registry
from mainspring.query.ast import Aggregate, Column, Compare, Embed, Field, Is, Order, Read, Related, Selection, Star, Terms
from mainspring.testing.suite import world
from mainspring.testing.suite.door import ALICE_, ANYBODY, Door, Suite, compare, raw_rows, rows_of, selected
from mainspring.testing.suite.world import ALICE, named

_said = Computations()


# ---------------------------------------------------------------- what is computed


@_said.column("people")
def shout(person: Any) -> Any:
    """The name, loud."""
    return person.name.upper() + "!"


@_said.column("books")
def label(book: Any) -> Any:
    """A title, and where it has one its number."""
    return book.title + coalesce(" (" + book.isbn + ")", "")


@_said.column("books")
def early(book: Any) -> Any:
    """Whether it is an old one."""
    return book.year < 2000


@_said.column("books")
def age(book: Any) -> Any:
    """In words."""
    return case(book.year.is_null(), "unknown", case(book.early, "old", "new"))


@_said.column("books")
def letters(book: Any) -> Any:
    """How many characters the title has."""
    return book.title.length()


@_said.column("books")
def gross(book: Any) -> Any:
    """The price with a tax on it: few digits."""
    return book.price * Decimal("1.19")


@_said.column("books")
def worth(book: Any) -> Any:
    """The price times the year: it can have more digits than a double keeps."""
    return book.price * book.year


@_said.column("samples")
def doubled(sample: Any) -> Any:
    """It may not fit 64 bits."""
    return sample.big + sample.big


@_said.column("samples")
def squared(sample: Any) -> Any:
    """Of any scale."""
    return sample.exact * sample.exact


@_said.column("samples")
def spelt(sample: Any) -> Any:
    """A moment's text."""
    return sample.instant.as_text() + "/" + sample.price.as_text() + "/" + sample.flag.as_text()


@_said.column("samples")
def place(sample: Any) -> Any:
    """A place in JSON, as JSON."""
    return sample.doc["a"].as_json()


@_said.column("samples")
def grade(sample: Any) -> Any:
    """An enum."""
    return coalesce(sample.kind, "high")


@_said.column("samples")
def letter(sample: Any) -> Any:
    """A short text, or one that is longer than its column."""
    return coalesce(sample.a_char, "none at all")


@_said.column("notes")
def headline(note: Any) -> Any:
    """What everybody may read."""
    return note.body.lower()


@_said.column("notes")
def whole(note: Any) -> Any:
    """What tells of the secret."""
    return note.body + coalesce(note.secret, "")


@_said.relation("books", "people", single=True, inverse="namesakes")
def namesake(book: Any, person: Any) -> Any:
    """Whoever is called like the title."""
    return book.title.lower() == person.name.lower()


@_said.relation("books", "books")
def cheaper(book: Any, other: Any) -> Any:
    """The books that cost less."""
    return other.price < book.price


@_said.relation("books", "books", single=True)
def peer(book: Any, other: Any) -> Any:
    """The first book of the same year (which an index finds, so that the rows found are sorted)."""
    return other.year == book.year


@_said.relation("notes", "notes")
def alike(note: Any, other: Any) -> Any:
    """The notes that share a secret."""
    return note.secret == other.secret


def catalog() -> Catalog:
    """The suite's catalog with all that."""
    return _said.added(world.catalog(), lambda model: named(str(model)), lambda model: {})


def registry(*more: Grant) -> Registry:
    """The suite's registry, which knows what the computed columns read."""
    known, notes = world.registry(), catalog().tables[named("notes")]
    reads = {notes.name: {name: computed.reads for name, computed in notes.computed.items()}}
    return Registry(known.columns_of, known.policies, (*known.grants, *more), reads)


# ---------------------------------------------------------------- the tests


class ComputedSuite(Suite):
    """Computed columns wherever a column can stand, and relations that no key makes."""

    @pytest.fixture
    async def computing(self, tmp_path: Path) -> AsyncIterator[Door]:
        """The suite's tables with what is computed of them."""
        engine, known = self.make_engine(tmp_path), catalog()
        await engine.start(known)
        try:
            await engine.migrate(known)
            door = Door(engine, known, registry())
            await self.library(door)
            yield door
        finally:
            await engine.stop()

    async def library(self, door: Door) -> None:
        """Three people, four books."""
        people = ((1, "ada"), (2, "Éva"), (3, "ADA"))
        await door.insert("people", *({"id": number, "name": name} for number, name in people))
        names = ("id", "author_id", "title", "price", "isbn", "year")
        books = (
            (1, 1, "Ada", "10.00", "x1", 1999),
            (2, 1, "éva", "2.50", None, 2021),
            (3, 3, "c", None, "x3", None),
            (4, None, "Dd", "999999.99", "x4", 2147483647),
        )
        await door.insert("books", *(dict(zip(names, book, strict=True)) for book in books))

    async def test_it_is_read_when_named_and_no_part_of_all(self, computing: Door) -> None:
        (row,) = await computing.rows("people", where=compare("id", "eq", 2))
        assert row == {"id": 2, "name": "Éva", "boss_id": None}
        assert await computing.rows("people", Star(), "shout", where=compare("id", "eq", 2)) == [{**row, "shout": "ÉVA!"}]

    async def test_texts(self, computing: Door) -> None:
        assert await computing.rows("books", "label", "letters", "age") == [
            {"label": "Ada (x1)", "letters": 3, "age": "old"},
            {"label": "éva", "letters": 3, "age": "new"},
            {"label": "c (x3)", "letters": 1, "age": "unknown"},
            {"label": "Dd (x4)", "letters": 2, "age": "new"},
        ]

    async def test_what_stands_for_a_short_text_may_be_long(self, computing: Door) -> None:
        await computing.insert("samples", {"id": 91, "a_char": "abc"}, {"id": 92})
        found = await computing.rows("samples", "letter", where=compare("letter", "neq", "-"))
        assert found == [{"letter": "abc"}, {"letter": "none at all"}]

    async def test_numbers_are_exact(self, computing: Door) -> None:
        assert raw_rows(await computing.read("books", "gross", "worth")) == [
            {"gross": "11.9000", "worth": "19990.00"},
            {"gross": "2.9750", "worth": "5052.50"},
            {"gross": "null", "worth": "null"},
            {"gross": "1189999.9881", "worth": "2147483625525163.53"},
        ]

    async def test_numbers_grow_as_they_must(self, computing: Door) -> None:
        samples = {"id": 1, "big": 2**63 - 1, "exact": "1.00000001"}, {"id": 2, "big": -1, "exact": "1E-14"}
        await computing.insert("samples", *samples)
        assert raw_rows(await computing.read("samples", "doubled", "squared")) == [
            {"doubled": "18446744073709551614", "squared": "1.0000000200000001"},
            {"doubled": "-2", "squared": "0.0000000000000000000000000001"},
        ]

    async def test_a_text_of_anything(self, computing: Door) -> None:
        await computing.insert("samples", {"id": 1, "instant": "2026-01-02T03:04:05.5Z", "price": "1.5", "flag": True})
        spelt = [{"spelt": "2026-01-02 03:04:05.5+00/1.50/true"}]
        assert await computing.rows("samples", "spelt") == spelt
        elsewhere = Read(named("samples"), Selection((Field(Column("spelt")),)), terms=Terms(timezone="Australia/Lord_Howe"))
        assert rows_of(await computing.run(elsewhere)) == spelt

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (compare("early", "eq", True), [1]),
            (Is(Column("early"), "unknown"), [3]),
            (compare("label", "like", "%(x_)"), [1, 3, 4]),
            (compare("label", "gt", "c"), [3, 2]),
            (compare("letters", "in", (1, 2)), [3, 4]),
            (compare("worth", "gt", "19990.00"), [4]),
            (compare("worth", "lte", "19990"), [1, 2]),
            (compare("worth", "eq", "2147483625525163.53"), [4]),
            (compare("worth", "in", ("5052.5", "19990.0")), [1, 2]),
            (compare("worth", "isdistinct", "5052.5"), [1, 3, 4]),
            (compare("gross", "eq", "11.9"), [1]),
            (Compare("eq", Column("title"), Column("label")), [2]),
        ],
    )
    async def test_a_filter(self, computing: Door, where: Any, expected: list[int]) -> None:
        assert sorted(await computing.ids("books", where)) == sorted(expected)

    async def test_an_order(self, computing: Door) -> None:
        assert await computing.ids("books", order=[Order(Column("worth"), descending=True)]) == [3, 4, 1, 2]
        assert await computing.ids("books", order=[Order(Column("label"))], page=(2, 1)) == [4, 3]
        order = [Order(Column("early"), nulls_first=True), Order(Column("letters"))]
        assert await computing.ids("books", order=order) == [3, 4, 2, 1]

    async def test_a_cast_and_a_place_in_json(self, computing: Door) -> None:
        await computing.insert("samples", {"id": 1, "doc": {"a": {"b": [1, "x"]}}}, {"id": 2, "doc": {"a": None}}, {"id": 3})
        items = (Field(Column("place")), Field(Column("place", ("b", 1), True), "deep"))
        assert await computing.rows("samples", *items) == [
            {"place": {"b": [1, "x"]}, "deep": "x"},
            {"place": None, "deep": None},
            {"place": None, "deep": None},
        ]
        assert await computing.ids("samples", Is(Column("place"), "not_null")) == [1, 2]
        assert await computing.rows("books", Field(Column("worth"), cast="text"), where=compare("id", "eq", 4)) == [
            {"worth": "2147483625525163.53"}
        ]

    async def test_an_enum_keeps_its_order(self, computing: Door) -> None:
        await computing.insert("samples", {"id": 1, "kind": "medium"}, {"id": 2, "kind": None}, {"id": 3, "kind": "low"})
        assert await computing.ids("samples", order=[Order(Column("grade"))]) == [3, 1, 2]
        assert await computing.ids("samples", compare("grade", "gt", "low")) == [1, 2]

    async def test_groups(self, computing: Door) -> None:
        found = await computing.rows("books", "age", Aggregate("count"))
        assert found == [{"age": "new", "count": 2}, {"age": "old", "count": 1}, {"age": "unknown", "count": 1}]
        items = [Aggregate(function, Column("worth"), function) for function in ("sum", "min", "max", "count")]
        assert raw_rows(await computing.read("books", *items)) == [
            {"sum": "2147483625550206.03", "min": "5052.50", "max": "2147483625525163.53", "count": "3"}
        ]

    async def test_in_embeds_and_spreads(self, computing: Door) -> None:
        embeds = (
            Embed("people", selected("shout"), hint="books_author_fkey"),
            Embed("people", selected(Field(Column("shout"), "by")), alias="x", hint="books_author_fkey", spread=True),
        )
        order = [Order(Column("shout"), related="people", descending=True, nulls_first=False)]
        assert await computing.rows("books", "id", *embeds, order=order) == [
            {"id": 3, "people": {"shout": "ADA!"}, "by": "ADA!"},
            {"id": 2, "people": {"shout": "ADA!"}, "by": "ADA!"},
            {"id": 1, "people": {"shout": "ADA!"}, "by": "ADA!"},
            {"id": 4, "people": None, "by": None},
        ]

    async def test_what_a_write_answers(self, computing: Door) -> None:
        returning = selected("shout")
        assert rows_of(await computing.insert("people", {"id": 9, "name": "bo"}, returning=returning)) == [{"shout": "BO!"}]
        many = await computing.insert("people", {"id": 7, "name": "x"}, {"id": 8, "name": "y"}, returning=returning)
        assert rows_of(many) == [{"shout": "X!"}, {"shout": "Y!"}]
        loud = compare("shout", "eq", "BO!")
        assert rows_of(await computing.update("people", {"name": "cy"}, loud, returning=returning)) == [{"shout": "CY!"}]
        gone = await computing.delete("people", compare("shout", "eq", "CY!"), returning=returning)
        assert rows_of(gone) == [{"shout": "CY!"}]

    async def test_it_cannot_be_written(self, computing: Door) -> None:
        with pytest.raises(ColumnGenerated):
            await computing.insert("people", {"id": 9, "name": "bo", "shout": "x"})
        with pytest.raises(ColumnGenerated):
            await computing.update("people", {"shout": "x"}, compare("id", "eq", 1))

    # ------------------------------------------------------------ relations

    async def test_a_relation_to_many(self, computing: Door) -> None:
        embed = Embed("cheaper", selected("id", order=[Order(Column("price"), descending=True)]))
        assert await computing.rows("books", "id", embed) == [
            {"id": 1, "cheaper": [{"id": 2}]},
            {"id": 2, "cheaper": []},
            {"id": 3, "cheaper": []},
            {"id": 4, "cheaper": [{"id": 1}, {"id": 2}]},
        ]

    async def test_a_relation_to_one_means_the_first_by_key(self, computing: Door) -> None:
        embed = Embed("namesake", selected("id", "name"))
        assert await computing.rows("books", "id", embed) == [
            {"id": 1, "namesake": {"id": 1, "name": "ada"}},
            {"id": 2, "namesake": None},
            {"id": 3, "namesake": None},
            {"id": 4, "namesake": None},
        ]
        spread = Embed("namesake", selected(Field(Column("name"), "called"), order=[Order(Column("name"))]), spread=True)
        order = [Order(Column("name"), related="namesake", nulls_first=True)]
        assert (await computing.rows("books", "id", spread, order=order))[-1] == {"id": 1, "called": "ada"}

    async def test_documents_stay_documents_where_rows_are_sorted(self, computing: Door) -> None:
        await computing.insert("books", {"id": 9, "title": "same", "year": 1999, "price": "7"})
        embed = Embed("peer", selected("id", "price", "early"))
        spread = Embed("peer", selected(Field(Column("gross"), "g"), Field(Column("early"), "e")), alias="x", spread=True)
        found = raw_rows(await computing.read("books", embed, spread, where=compare("id", "eq", 9)))
        assert found == [{"peer": '{"id":1,"price":10.00,"early":true}', "g": "11.9000", "e": "true"}]

    async def test_its_inverse(self, computing: Door) -> None:
        embed = Embed("namesakes", selected("id"))
        assert await computing.rows("people", "id", embed) == [
            {"id": 1, "namesakes": [{"id": 1}]},
            {"id": 2, "namesakes": []},
            {"id": 3, "namesakes": [{"id": 1}]},
        ]

    async def test_inner_filters_and_null_tests(self, computing: Door) -> None:
        inner = Embed("namesake", selected("id", where=compare("id", "gt", 1)), inner=True)
        assert await computing.rows("books", "id", inner) == [{"id": 1, "namesake": {"id": 3}}]
        embed = Embed("cheaper", selected("id"))
        assert await computing.rows("books", "id", embed, where=Related("cheaper", False)) == [
            {"id": 2, "cheaper": []},
            {"id": 3, "cheaper": []},
        ]

    async def test_nested(self, computing: Door) -> None:
        deep = Embed("cheaper", selected("id", Embed("cheaper", selected("id"), alias="deeper")))
        (row,) = await computing.rows("books", "id", deep, where=compare("id", "eq", 4))
        assert row == {"id": 4, "cheaper": [{"id": 1, "deeper": [{"id": 2}]}, {"id": 2, "deeper": []}]}

    # ------------------------------------------------------------ who may

    async def notes(self, door: Door) -> None:
        """One public note with a secret."""
        await door.insert("notes", {"id": 1, "owner": ALICE, "body": "Hi", "published": True, "secret": "s"})

    async def test_who_reads_what_it_reads_reads_it(self, computing: Door) -> None:
        await self.notes(computing)
        assert await computing.rows("notes", "headline", me=ANYBODY) == [{"headline": "hi"}]
        assert await computing.rows("notes", "whole", me=ALICE_) == [{"whole": "His"}]

    async def test_others_do_not(self, computing: Door) -> None:
        await self.notes(computing)
        asked: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
            (("whole",), {}),
            (("id",), {"where": compare("whole", "eq", "His")}),
            (("id",), {"order": [Order(Column("whole"))]}),
            ((Aggregate("count", Column("whole")),), {}),
            (("id", Embed("alike", selected("id"))), {}),
        )
        for items, more in asked:
            with pytest.raises(PermissionDenied):
                await computing.rows("notes", *items, **more, me=ANYBODY)

    async def test_but_by_its_name_it_can_be_granted(self, computing: Door) -> None:
        await self.notes(computing)
        grant = Grant(named("notes"), frozenset({"select"}), frozenset({"anon"}), "suite", frozenset({"whole"}))
        door = Door(computing.engine, catalog(), registry(grant))
        assert await door.rows("notes", "whole", me=ANYBODY) == [{"whole": "His"}]
        with pytest.raises(PermissionDenied):
            await door.rows("notes", "secret", me=ANYBODY)

    async def test_an_unknown_one_is_suggested(self, computing: Door) -> None:
        with pytest.raises(ColumnUnknown) as refused:
            await computing.rows("people", "shoot")
        assert refused.value.suggestion == "shout"
