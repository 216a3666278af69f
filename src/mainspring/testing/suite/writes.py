"""Writes: inserts with their defaults, upserts, updates, deletes, what they answer, and what stops them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from mainspring.engines.base import Result
from mainspring.errors import (
    CheckViolated,
    ConstraintError,
    ForeignKeyViolated,
    NotNullViolated,
    NotSingular,
    RequestError,
    TooManyAffected,
    UniqueViolated,
    ValueInvalid,
)
from mainspring.principal import Principal
from mainspring.query.ast import Column, Compare, Conflict, Embed, Is, Order, Resolution, Slot, Update
from mainspring.testing.suite.door import ALL, Door, Row, Suite, compare, rows_of, selected
from mainspring.testing.suite.reads import BY_ID, fill
from mainspring.testing.suite.world import ALICE, named

MERGE, IGNORE = Conflict(Resolution.MERGE), Conflict(Resolution.IGNORE)
Try = Callable[[], Awaitable[Result]]
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


class InsertSuite(Suite):
    """New rows."""

    async def test_defaults_of_every_origin(self, door: Door) -> None:
        result = await door.insert("drafts", {"note": "x"}, returning=ALL, me=Principal("service_role", ALICE, bypass=True))
        (row,) = rows_of(result)
        assert MOMENT.fullmatch(row.pop("made"))
        assert row == {
            "id": 1, "note": "x", "status": "new", "touched": None, "token": "made in Python", "rank": 3, "owner": ALICE
        }  # fmt: skip
        assert (result.count, result.inserted) == (1, 1)
        assert [dict(key) for key in result.keys] == [{"id": 1}]

    async def test_a_row_of_nothing_but_defaults(self, door: Door) -> None:
        await door.insert("drafts", {}, columns=())
        assert await door.rows("drafts", "id", "status", "rank") == [{"id": 1, "status": "new", "rank": 3}]

    async def test_automatic_keys_go_on_after_given_ones(self, door: Door) -> None:
        await door.insert("labels", {"word": "a"}, {"word": "b"})
        result = await door.insert("labels", {"word": "c"}, returning=selected("id"))
        assert [row["id"] for row in rows_of(result)] == [3]
        assert await door.ids("labels") == [1, 2, 3]

    async def test_a_missing_key_is_null_or_the_default(self, door: Door) -> None:
        rows: list[Row] = [{"note": "a", "token": "given", "rank": 1}, {"note": "b"}]
        columns = ["note", "token", "rank", "status"]
        with pytest.raises(NotNullViolated):
            await door.insert("drafts", *rows, columns=columns)
        assert await door.rows("drafts") == []
        await door.insert("drafts", *rows, columns=columns, missing_default=True)
        assert await door.rows("drafts", "token", "rank", "status", order=BY_ID) == [
            {"token": "given", "rank": 1, "status": "new"},
            {"token": "made in Python", "rank": 3, "status": "new"},
        ]

    async def test_keys_beyond_the_columns_are_passed_over(self, door: Door) -> None:
        await door.insert("labels", {"id": 5, "word": "a", "more": 1}, columns=["id", "word"])
        assert await door.rows("labels") == [{"id": 5, "word": "a"}]

    async def test_many_rows_are_answered_in_their_order(self, door: Door) -> None:
        words = [f"word {number}" for number in range(200, 0, -1)]
        result = await door.insert("labels", *({"word": word} for word in words), returning=ALL)
        rows = rows_of(result)
        assert [row["word"] for row in sorted(rows, key=lambda row: int(row["id"]))] == words
        assert result.count == 200

    async def test_one_bad_row_keeps_all_out(self, door: Door) -> None:
        good = [{"id": number, "word": str(number)} for number in range(1, 6)]
        for bad in ({"id": 3, "word": "again"}, {"id": 9, "word": "1"}, {"id": "x", "word": "y"}):
            with pytest.raises((ConstraintError, ValueInvalid)):
                await door.insert("labels", *good, bad)
        assert await door.rows("labels") == []

    async def test_a_schema_of_its_own(self, door: Door) -> None:
        await door.insert("geo.places", {"country": "IS", "number": 1, "name": "Höfn"})
        result = await door.update("geo.places", {"name": "Vík"}, compare("country", "eq", "IS"), returning=ALL)
        assert rows_of(result) == [{"country": "IS", "number": 1, "name": "Vík"}]

    async def test_embeds_in_what_is_answered(self, door: Door) -> None:
        await fill(door)
        author = Embed("people", selected("name"), alias="author", hint="author_id")
        result = await door.insert("books", {"title": "New", "author_id": 3}, returning=selected("title", author))
        assert rows_of(result) == [{"title": "New", "author": {"name": "Cy"}}]

    async def test_computed_columns(self, door: Door) -> None:
        if not door.engine.capabilities.expressions:
            pytest.skip("the engine declares that it evaluates no SQL of the models")
        result = await door.insert("computed", {"rank": 4}, returning=ALL)
        assert rows_of(result) == [{"id": 1, "rank": 4, "doubled": 8}]
        result = await door.update("computed", {"rank": 5}, returning=ALL)
        assert rows_of(result) == [{"id": 1, "rank": 5, "doubled": 10}]


class UpsertSuite(Suite):
    """Rows whose key may be taken."""

    async def test_merge(self, door: Door) -> None:
        await door.insert("labels", {"id": 1, "word": "one"}, {"id": 2, "word": "two"})
        result = await door.insert("labels", {"id": 2, "word": "TWO"}, {"id": 3, "word": "three"}, conflict=MERGE, returning=ALL)
        assert sorted(row["word"] for row in rows_of(result)) == ["TWO", "three"]
        assert (result.count, result.inserted) == (2, 1)
        assert [row["word"] for row in await door.rows("labels", order=BY_ID)] == ["one", "TWO", "three"]

    async def test_merge_changes_named_columns_only(self, door: Door) -> None:
        await fill(door)
        await door.insert("books", {"id": 1, "title": "Uno"}, conflict=MERGE)
        (row,) = await door.rows("books", "title", "year", where=compare("id", "eq", 1))
        assert row == {"title": "Uno", "year": 2001}

    async def test_ignore(self, door: Door) -> None:
        await door.insert("labels", {"id": 1, "word": "one"})
        result = await door.insert("labels", {"id": 1, "word": "uno"}, {"id": 2, "word": "two"}, conflict=IGNORE, returning=ALL)
        assert rows_of(result) == [{"id": 2, "word": "two"}]
        assert result.inserted == 1
        assert [row["word"] for row in await door.rows("labels", order=BY_ID)] == ["one", "two"]

    async def test_another_key_and_a_composite_one(self, door: Door) -> None:
        await door.insert("labels", {"id": 1, "word": "one"})
        by_word = Conflict(Resolution.MERGE, ("word",))
        await door.insert("labels", {"id": 7, "word": "one"}, conflict=by_word)
        assert await door.rows("labels") == [{"id": 7, "word": "one"}]
        for name in ("first", "second"):
            await door.insert("geo.places", {"country": "IS", "number": 1, "name": name}, conflict=MERGE)
        assert await door.rows("geo.places", "name") == [{"name": "second"}]

    async def test_a_merge_that_breaks_another_key_is_refused(self, door: Door) -> None:
        await door.insert("labels", {"id": 1, "word": "one"}, {"id": 2, "word": "two"})
        for conflict in (MERGE, IGNORE):
            with pytest.raises(UniqueViolated):
                await door.insert("labels", {"id": 3, "word": "three"}, {"id": 4, "word": "two"}, conflict=conflict)
        assert await door.ids("labels") == [1, 2]

    async def test_the_same_key_twice_in_one_merge_is_refused(self, door: Door) -> None:
        with pytest.raises(RequestError):
            await door.insert("labels", {"id": 1, "word": "a"}, {"id": 1, "word": "b"}, conflict=MERGE)
        assert await door.rows("labels") == []


class ChangeSuite(Suite):
    """Updates and deletes."""

    async def test_columns_take_their_defaults_again(self, door: Door) -> None:
        first = {"id": 1, "note": "old", "status": "sold", "rank": 9, "token": "given", "made": "2000-01-01T00:00:00Z"}
        await door.insert("drafts", first, {**first, "id": 2})
        defaults = ("status", "rank", "token", "made")
        await door.update("drafts", {"note": "new"}, compare("id", "eq", 1), defaults=defaults)
        one, two = await door.rows("drafts", "note", "status", "rank", "token", "made")
        assert one.pop("made") > "2020"
        assert one == {"note": "new", "status": "new", "rank": 3, "token": "made in Python"}
        assert two["status"] == "sold"
        with pytest.raises(NotNullViolated):
            await door.update("drafts", {"note": "x"}, compare("id", "eq", 1), defaults=("id",))

    async def test_update(self, door: Door) -> None:
        await fill(door)
        result = await door.update("books", {"title": "Late", "price": "9.5"}, compare("year", "gte", 2002))
        assert (result.body, result.count) == (None, 2)
        assert [row["title"] for row in await door.rows("books", "title", order=BY_ID)] == ["One", "Late", "Late"]

    async def test_update_answers_what_became(self, door: Door) -> None:
        await fill(door)
        author = Embed("people", selected("name"), alias="author", hint="author_id")
        result = await door.update("books", {"author_id": 3}, compare("id", "eq", 1), returning=selected("id", author))
        assert rows_of(result) == [{"id": 1, "author": {"name": "Cy"}}]

    async def test_update_of_nothing(self, door: Door) -> None:
        await fill(door)
        result = await door.update("books", {"title": "x"}, compare("id", "eq", 99), returning=ALL)
        assert (result.body, result.count) == (b"[]", 0)
        assert (await door.update("books", {}, returning=ALL)).count == 0

    @pytest.mark.parametrize(("changes", "where"), [({}, "filter on column id"), ({"year": "x"}, "row 1, column year")])
    async def test_update_with_values_that_do_not_fit(self, door: Door, changes: Row, where: str) -> None:
        picked = Compare("eq", Column("id"), Slot(1))
        with pytest.raises(ValueInvalid) as raised:  # what is to be written is looked at before what picks the rows
            await door.run(Update(named("books"), tuple(changes), Slot(0), picked), [changes, "x"])
        assert raised.value.where == where

    async def test_onupdate(self, door: Door) -> None:
        await door.insert("drafts", {"note": "x"})
        await door.update("drafts", {"note": "y"})
        (row,) = await door.rows("drafts", "note", "touched")
        assert row["note"] == "y"
        assert MOMENT.fullmatch(row["touched"])

    async def test_a_page_of_changes(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "small": 0} for number in range(1, 6)))
        falling = [Order(Column("id"), descending=True)]
        await door.update("samples", {"small": 1}, order=falling, page=(2, 1))
        assert await door.ids("samples", compare("small", "eq", 1)) == [3, 4]
        await door.delete("samples", order=BY_ID, page=(2, None))
        assert await door.ids("samples") == [3, 4, 5]

    async def test_delete(self, door: Door) -> None:
        await fill(door)
        result = await door.delete("labels", compare("word", "eq", "unused"), returning=ALL)
        assert rows_of(result) == [{"id": 3, "word": "unused"}]
        assert (await door.delete("labels", compare("id", "eq", 3))).count == 0
        assert (await door.delete("covers")).count == 1

    async def test_delete_answers_what_was_embedded(self, door: Door) -> None:
        await fill(door)
        covers = Embed("covers", selected("colour"))
        result = await door.delete("books", compare("id", "eq", 1), returning=selected("id", covers))
        assert rows_of(result) == [{"id": 1, "covers": {"colour": "red"}}]

    async def test_keys_that_are_referred_to(self, door: Door) -> None:
        await fill(door)
        await door.delete("books", compare("id", "eq", 1))
        assert await door.rows("covers") == []
        assert await door.rows("book_labels") == [{"book_id": 2, "label_id": 2}]
        with pytest.raises(ForeignKeyViolated):
            await door.delete("people", compare("id", "eq", 3))
        await door.update("books", {"editor_id": None})
        await door.delete("people", compare("id", "eq", 1))
        assert await door.ids("people", Is(Column("boss_id"), "null")) == [2, 3]

    async def test_singular(self, door: Door) -> None:
        await fill(door)
        one, many = compare("id", "eq", 1), compare("id", "gte", 1)
        assert (await door.update("labels", {"word": "x"}, one, singular=True, returning=ALL)).count == 1
        writes: list[Try] = [
            lambda: door.update("books", {"title": "x"}, many, singular=True, returning=ALL),
            lambda: door.delete("books", many, singular=True, returning=ALL),
            lambda: door.delete("books", compare("id", "eq", 99), singular=True, returning=ALL),
            lambda: door.insert("labels", {"word": "y"}, {"word": "z"}, singular=True, returning=ALL),
        ]
        for write in writes:
            with pytest.raises(NotSingular):
                await write()
        assert [row["title"] for row in await door.rows("books", "title", order=BY_ID)] == ["One", "Two", "Three"]
        assert len(await door.ids("labels")) == 3

    async def test_no_more_rows_than_allowed_are_affected(self, door: Door) -> None:
        await fill(door)
        many = compare("id", "gte", 1)
        writes: list[Try] = [
            lambda: door.update("books", {"title": "x"}, many, most=2),
            lambda: door.update("books", {"title": "x"}, many, most=2, returning=ALL),
            lambda: door.update("books", {"title": "x"}, compare("id", "eq", 1), most=0, returning=ALL),
            lambda: door.delete("labels", many, most=1),
        ]
        for write in writes:
            with pytest.raises(TooManyAffected):
                await write()
        assert [row["title"] for row in await door.rows("books", "title", order=BY_ID)] == ["One", "Two", "Three"]
        assert (await door.update("books", {"title": "x"}, many, most=3)).count == 3


class ConstraintsSuite(Suite):
    """Every constraint's error with its facts; after it everything is as it was."""

    async def test_unique(self, door: Door) -> None:
        await fill(door)
        await door.update("books", {"isbn": "1"}, compare("id", "eq", 1))
        with pytest.raises(UniqueViolated) as caught:
            await door.insert("books", {"title": "x", "isbn": "1"})
        assert (caught.value.table, caught.value.constraint) == ("books", "books_isbn_key")
        assert caught.value.columns == ("isbn",)
        with pytest.raises(UniqueViolated):
            await door.update("books", {"isbn": "1"}, compare("id", "eq", 2))
        assert len(await door.ids("books", compare("isbn", "eq", "1"))) == 1

    async def test_primary_key_and_composite_index(self, door: Door) -> None:
        await fill(door)
        with pytest.raises(UniqueViolated) as caught:
            await door.insert("book_labels", {"book_id": 1, "label_id": 1})
        assert (caught.value.constraint, caught.value.columns) == ("book_labels_pkey", ("book_id", "label_id"))
        await door.insert("books", {"title": "a", "year": 1, "month": 1}, {"title": "b", "year": 1, "month": None})
        await door.insert("books", {"title": "c", "year": 1, "month": None})
        with pytest.raises(UniqueViolated) as caught:
            await door.insert("books", {"title": "d", "year": 1, "month": 1})
        assert (caught.value.constraint, caught.value.columns) == ("books_year_month", ("year", "month"))

    async def test_foreign_key(self, door: Door) -> None:
        with pytest.raises(ForeignKeyViolated) as caught:
            await door.insert("covers", {"book_id": 99, "colour": "red"})
        assert (caught.value.table, caught.value.constraint) == ("covers", "covers_book_fkey")
        with pytest.raises(ForeignKeyViolated):
            await door.insert("books", {"title": "x", "author_id": 99})
        assert await door.rows("books") == []

    async def test_references_inside_one_statement(self, door: Door) -> None:
        await door.insert("people", {"id": 1, "name": "a", "boss_id": 2}, {"id": 2, "name": "b", "boss_id": 1})
        assert await door.ids("people") == [1, 2]
        with pytest.raises(ForeignKeyViolated) as caught:
            await door.insert("people", {"id": 3, "name": "c", "boss_id": 4}, {"id": 5, "name": "d", "boss_id": 3})
        assert caught.value.table == "people"
        with pytest.raises(ForeignKeyViolated):
            await door.insert("people", {"id": 3, "name": "c", "boss_id": 4})
        assert await door.ids("people") == [1, 2]

    async def test_not_null(self, door: Door) -> None:
        await fill(door)
        writes: list[Try] = [
            lambda: door.insert("books", {"title": None}),
            lambda: door.insert("books", {"year": 7}),
            lambda: door.update("books", {"title": None}),
        ]
        for write in writes:
            with pytest.raises(NotNullViolated) as caught:
                await write()
            assert (caught.value.table, caught.value.columns) == ("books", ("title",))

    async def test_check(self, door: Door) -> None:
        if not door.engine.capabilities.expressions:
            pytest.skip("the engine declares that it evaluates no SQL of the models")
        with pytest.raises(CheckViolated) as caught:
            await door.insert("books", {"title": "x", "price": "-1"})
        assert (caught.value.table, caught.value.constraint) == ("books", "books_price_positive")
        assert await door.rows("books") == []
