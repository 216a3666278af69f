"""The REST grammar: text -> query, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mainspring.errors import (
    LimitExceeded,
    MainspringError,
    MediaUnavailable,
    NotSupported,
    OperatorInvalid,
    RangeNotSatisfiable,
    SyntaxInvalid,
)
from mainspring.query.ast import (
    Aggregate,
    And,
    Call,
    Column,
    Compare,
    Conflict,
    Count,
    Delete,
    Embed,
    End,
    Expr,
    Field,
    Insert,
    Is,
    Item,
    MediaForm,
    Not,
    Or,
    Order,
    Quantifier,
    Read,
    Related,
    Resolution,
    Selection,
    Slot,
    Star,
    TableName,
    Update,
)
from mainspring.surfaces.rest.errors import Refused
from mainspring.surfaces.rest.parse import Asked, Grammar, parse
from mainspring.surfaces.rest.shape import Shape, split

POSTS = TableName("public", "posts")


def shape(query: str, method: str = "GET", **asked: Any) -> tuple[Shape, list[Any]]:
    skeleton, texts = split(query)
    found = parse(Asked(method, POSTS, skeleton, **asked), Grammar())
    return found, found.read(texts)


def selection(query: str) -> Selection:
    found, _ = shape(query)
    assert isinstance(found.query, Read)
    return found.query.selection


def where(query: str) -> tuple[Expr | None, list[Any]]:
    found, values = shape(query)
    assert isinstance(found.query, Read)
    return found.query.selection.where, values


def field(name: str, *path: str | int, text: bool = False, alias: str | None = None, cast: str | None = None) -> Field:
    return Field(Column(name, path, text), alias, cast)


ID, NAME, S0, S1, S2 = Column("id"), Column("name"), Slot(0), Slot(1), Slot(2)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", (Star(),)),
        ("*", (Star(),)),
        ("id,name", (field("id"), field("name"))),
        ("id , name", (field("id"), field("name"))),
        ("n:name", (field("name", alias="n"),)),
        ("name::text", (field("name", cast="text"),)),
        ("n:name::text", (field("name", alias="n", cast="text"),)),
        ('"a,b"', (field("a,b"),)),
        (r'"a\"b"', (field('a"b'),)),
        ("with space,with-dash", (field("with space"), field("with-dash"))),
        ("data->a->>b", (field("data", "a", "b", text=True),)),
        ("data->0", (field("data", 0),)),
        ("data->-1->>k::int", (field("data", -1, "k", text=True, cast="int"),)),
        ("data->0x", (field("data", "0x"),)),
        ('data->"a.b"', (field("data", "a.b"),)),
        ("größe,名前", (field("größe"), field("名前"))),
        ("author(*)", (Embed("author", Selection()),)),
        ("author()", (Embed("author", Selection(())),)),
        ("a:author!fk!inner(id)", (Embed("author", Selection((field("id"),)), "a", "fk", True),)),
        ("author!inner!fk(id)", (Embed("author", Selection((field("id"),)), None, "fk", True),)),
        ("author!left(id)", (Embed("author", Selection((field("id"),))),)),
        (
            "id,author(id,posts(title))",
            (field("id"), Embed("author", Selection((field("id"), Embed("posts", Selection((field("title"),))))))),
        ),
        ("author(data->0)", (Embed("author", Selection((field("data", 0),))),)),
    ],
)
def test_select(text: str, items: tuple[Item, ...]) -> None:
    assert selection(f"select={text}").items == items


@pytest.mark.parametrize(
    "text",
    [
        "id,,name", "id,", "(id)", "author(id", "author(id))", "name!hint", "a:b:c", "name::", "data->>a->b", "data->",
        "data->>--34", "id name(", "a!b!c(id)", "*!x", '"open', ":",
    ],
)  # fmt: skip
def test_select_in_no_grammar(text: str) -> None:
    with pytest.raises(SyntaxInvalid):
        selection(f"select={text}")


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("count()", Aggregate("count")),
        ("n:count()::text", Aggregate("count", alias="n", cast="text")),
        ("id.sum()", Aggregate("sum", ID)),
        ("n:id::int.max()::text", Aggregate("max", ID, "n", "int", "text")),
        ("...author(id)", Embed("author", Selection((Field(ID),)), spread=True)),
        ("...author!fk!inner(id)", Embed("author", Selection((Field(ID),)), hint="fk", inner=True, spread=True)),
    ],
)
def test_aggregates_and_spreads(text: str, item: Item) -> None:
    assert selection(f"select={text}").items == (item,)


def test_aggregates_can_be_switched_off() -> None:
    with pytest.raises(Refused) as caught:
        parse(Asked("GET", POSTS, "select=author(id.sum())"), Grammar(aggregates=False))
    assert (caught.value.status, caught.value.wire) == (400, "PGRST123")


def test_select_nested_beyond_the_bound() -> None:
    with pytest.raises(LimitExceeded):
        selection("select=" + "a(" * 9 + ")" * 9)
    assert selection("select=" + "a(" * 8 + ")" * 8)
    with pytest.raises(LimitExceeded):
        selection("select=a" + "->b" * 33)


@pytest.mark.parametrize(
    ("query", "condition", "values"),
    [
        ("id=eq.5", Compare("eq", ID, S0), ["5"]),
        ("id=neq.", Compare("neq", ID, S0), [""]),
        ("id=gte.1&id=lt.9", And((Compare("gte", ID, S0), Compare("lt", ID, S1))), ["1", "9"]),
        ("id=not.eq.5", Not(Compare("eq", ID, S0)), ["5"]),
        ("name=like.a*b", Compare("like", NAME, S0), ["a%b"]),
        ("name=not.ilike.*a*", Not(Compare("ilike", NAME, S0)), ["%a%"]),
        ("name=eq.a*", Compare("eq", NAME, S0), ["a*"]),
        ("name=eq.a+b%2Bc%26d", Compare("eq", NAME, S0), ["a b+c&d"]),
        ("name=eq.a=b.c", Compare("eq", NAME, S0), ["a=b.c"]),
        ("id=in.(1,2,3)", Compare("in", ID, S0), [["1", "2", "3"]]),
        ("id=in.()", Compare("in", ID, S0), [[]]),
        ("id=in.%281%2C2%29", Compare("in", ID, S0), [["1", "2"]]),
        ("id%3Deq=eq.1", Compare("eq", Column("id"), S0), None),
        ('name=in.("a,b",c,"d\\"e",)', Compare("in", NAME, S0), [["a,b", "c", 'd"e', ""]]),
        ('name=in.("a"b,c)', Compare("in", NAME, S0), [['"a"b', "c"]]),
        ("name=is.null", Is(NAME, "null"), []),
        ("name=is.NULL", Is(NAME, "null"), []),
        ("name=not.is.true", Not(Is(NAME, "true")), []),
        ("name=is.not_null", Is(NAME, "not_null"), []),
        ("data->>a=eq.1", Compare("eq", Column("data", ("a",), True), S0), ["1"]),
        ("data->a=is.null", Is(Column("data", ("a",)), "null"), []),
        ("id=eq%2E5", Compare("eq", ID, S0), ["5"]),
        ("%69d=eq.5", Compare("eq", ID, S0), ["5"]),
        ('"a.b"=eq.5', Compare("eq", Column("a.b"), S0), ["5"]),
        ("or=(id.eq.1,name.like.x*)", Or((Compare("eq", ID, S0), Compare("like", NAME, S1))), ["1", "x%"]),
        ("not.or=(id.eq.1,id.eq.2)", Not(Or((Compare("eq", ID, S0), Compare("eq", ID, S1)))), ["1", "2"]),
        (
            "and=( id.not.in.( 1,2 ), or(name.is.null , not.and(id.gt.3,id.lt.9)) )",
            And(
                (
                    Not(Compare("in", ID, S0)),
                    Or((Is(NAME, "null"), Not(And((Compare("gt", ID, S1), Compare("lt", ID, S2)))))),
                )
            ),
            [["1", "2 "], "3", "9"],
        ),
        ('or=(name.eq."a,b)",name.eq.{1,2})', Or((Compare("eq", NAME, S0), Compare("eq", NAME, S1))), ["a,b)", "{1,2}"]),
        ("or=(and_name.eq.1,or_name.eq.2)", None, ["1", "2"]),
        ("or=(data->>a.eq.1)", Or((Compare("eq", Column("data", ("a",), True), S0),)), ["1"]),
        ("or=%28name.eq.a%2526%2Cid.eq.1%29", Or((Compare("eq", NAME, S0), Compare("eq", ID, S1))), ["a%26", "1"]),
    ],
)  # fmt: skip
def test_filters(query: str, condition: Expr | None, values: list[Any] | None) -> None:
    if values is None:  # an encoded = belongs to the name
        with pytest.raises(SyntaxInvalid):
            where(query)
        return
    found, read = where(query)
    assert read == values
    assert condition is None or found == condition


@pytest.mark.parametrize(
    "query",
    [
        "id", "id=", "id=5", "id=eq", "id=is.nul", "id=is.", "id=in.1,2", "id=in.(1", "id=in.(1)x", "=eq.1", "a->b->=eq.1",
        "or=", "or=()", "or=(id.eq.1", "or=(id.eq.1)x", "or=(id.eq.1,)", "or=(id)", "or=(xor(id.eq.1))", "or=(id.in.1)",
        "x=eq.%ff", "%ff=eq.1", "select=%ff", "limit=x", "limit=", "limit=1.5", "offset=x", "limit", "order=",
    ],
)  # fmt: skip
def test_what_is_in_no_grammar(query: str) -> None:
    with pytest.raises(SyntaxInvalid):
        where(query)


@pytest.mark.parametrize(
    "query", ["select=id&select=name", "limit=1&limit=2", "order=id&order=name", "a.limit=1&a.limit=2&select=a()"]
)
def test_what_counts_once_is_refused_twice(query: str) -> None:
    with pytest.raises(SyntaxInvalid):
        where(query)


def test_an_unknown_operator_is_named_with_the_nearest() -> None:
    with pytest.raises(OperatorInvalid) as caught:
        where("id=ilik.5")
    assert (caught.value.operator, caught.value.suggestion) == ("ilik", "ilike")
    with pytest.raises(OperatorInvalid):
        where("or=(id.foo.5)")


@pytest.mark.parametrize(
    ("query", "condition", "values"),
    [
        ("id=cs.{1}", Compare("cs", ID, S0), ["{1}"]),
        ("id=fts(english).cat", Compare("fts", ID, S0, config="english"), ["cat"]),
        ("id=not.match.^x", Not(Compare("match", ID, S0)), ["^x"]),
        ("id=like(any).{a*,b}", Compare("like", ID, S0, Quantifier.ANY), ["{a%,b}"]),
        ("id=not.eq(all).{1}", Not(Compare("eq", ID, S0, Quantifier.ALL)), ["{1}"]),
        ("id=isdistinct.1", Compare("isdistinct", ID, S0), ["1"]),
        ("data->a=eq.1", Compare("eq", Column("data", ("a",)), S0), ["1"]),
        ("or=(id.ov.{1,2},id.eq(any).{3})", Or((Compare("ov", ID, S0), Compare("eq", ID, S1, Quantifier.ANY))), ["{1,2}", "{3}"]),
    ],
)
def test_more_operators(query: str, condition: Expr, values: list[Any]) -> None:
    assert where(query) == (condition, values)


def test_the_name_of_an_embed_asks_for_its_rows() -> None:
    query = "select=author(id)&author=is.null&or=(author.not.is.null,id.eq.1)"
    none = Related("author", exists=False)
    assert where(query)[0] == And((none, Or((Not(none), Compare("eq", ID, S0)))))
    assert where("select=author(id)&author=eq.1")[0] == Compare("eq", Column("author"), S0)


def test_parameters_of_embedded_resources() -> None:
    query = (
        "select=id,writer:users(id,comments(*))&writer.name=eq.x&users.or=(id.eq.1,id.eq.2)&writer.comments.order=id.desc"
        "&writer.comments.limit=3&writer.comments.offset=4&writer.not.and=(id.eq.5)"
    )
    found, values = shape(query)
    assert isinstance(found.query, Read)
    writer = found.query.selection.items[1]
    assert isinstance(writer, Embed)
    assert writer.selection.where == And(
        (
            Compare("eq", NAME, S0),
            Or((Compare("eq", ID, S1), Compare("eq", ID, S2))),
            Not(And((Compare("eq", ID, Slot(5)),))),
        )
    )
    comments = writer.selection.items[1]
    assert isinstance(comments, Embed)
    assert comments.selection == Selection((Star(),), None, (Order(ID, True),), Slot(3), Slot(4))
    assert values == ["x", "1", "2", 3, 4, "5"]


@pytest.mark.parametrize(
    "query",
    [
        "nope.id=eq.1", "nope.order=id", "nope.limit=1", "nope.or=(id.eq.1)", "order=nope(id)",
        "select=a(id)&a.b.id=eq.1", "select=x:a(id),y:a(id)&a.id=eq.1",
    ],
)  # fmt: skip
def test_what_is_not_embedded_cannot_be_addressed(query: str) -> None:
    with pytest.raises(Refused) as caught:
        where(query)
    assert (caught.value.status, caught.value.wire) == (400, "PGRST108")


def test_presence_of_an_embed_is_a_condition() -> None:
    for text in ("not.is.null", "is.not_null"):
        found = selection(f"select=author(id)&author={text}").where
        assert found in (Not(Related("author", exists=False)), Related("author", exists=True))


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("id", (Order(ID),)),
        ("id.asc,name.desc", (Order(ID), Order(NAME, True))),
        ("id.nullsfirst", (Order(ID, nulls_first=True),)),
        ("id.desc.nullslast", (Order(ID, True, False),)),
        ("data->>a.desc", (Order(Column("data", ("a",), True), True),)),
        ("data->0.desc", (Order(Column("data", (0,)), True),)),
        ("id, name", (Order(ID), Order(NAME))),
    ],
)
def test_order(text: str, order: tuple[Order, ...]) -> None:
    assert selection(f"order={text}").order == order


def test_order_by_a_related_column_names_the_embed_by_its_key() -> None:
    assert selection("select=a:author(id)&order=author(name).desc").order == (Order(NAME, True, related="a"),)


@pytest.mark.parametrize("text", ["id.ac", "id.descc", "id.asc.nlsfst", "id.nullslasttt", "id.asc.desc", ",", "a(b"])
def test_order_in_no_grammar(text: str) -> None:
    with pytest.raises(SyntaxInvalid):
        selection(f"order={text}")


def test_pages() -> None:
    found, values = shape("limit=10&offset=5")
    assert isinstance(found.query, Read)
    assert (found.query.selection.limit, found.query.selection.offset, values) == (S0, S1, [10, 5])
    assert shape("offset=-4")[1] == [0]
    assert shape(f"limit={10**30}")[1] == [2**63 - 1]
    with pytest.raises(RangeNotSatisfiable):
        shape("limit=-1")


def test_writes() -> None:
    prefer = ("return=representation,resolution=merge-duplicates", "missing=default, count=exact")
    found, _ = shape("columns=a,b&on_conflict=k&select=id", "POST", prefer=prefer)
    conflict = Conflict(Resolution.MERGE, ("k",))
    assert found.query == Insert(
        POSTS, ("a", "b"), S0, True, conflict, Selection((field("id"),)), Count.EXACT
    )
    found, _ = shape("id=eq.1&limit=2", "PATCH")
    assert found.query == Update(POSTS, (), S2, Compare("eq", ID, S0), limit=S1)
    found, _ = shape("id=eq.1", "DELETE", prefer=("return=representation",), accept=("application/vnd.pgrst.object+json",))
    assert found.query == Delete(POSTS, Compare("eq", ID, S0), returning=Selection(), singular=True)


@pytest.mark.parametrize(
    ("prefer", "grammar", "undone", "told"),
    [
        ("tx=rollback", Grammar(), False, None),
        ("handling=strict, tx=rollback", Grammar(), False, b"handling=strict"),
        ("tx=rollback", Grammar(override=True), True, b"tx=rollback"),
        ("tx=commit", Grammar(override=True), False, b"tx=commit"),
        ("", Grammar(rollback=True), True, None),
        ("tx=commit", Grammar(rollback=True), True, None),
        ("tx=commit", Grammar(rollback=True, override=True), False, b"tx=commit"),
    ],
)
def test_a_write_ends_as_the_settings_say_or_the_client_where_it_may(
    prefer: str, grammar: Grammar, undone: bool, told: bytes | None
) -> None:
    found = parse(Asked("PATCH", POSTS, "", prefer=(prefer,)), grammar)
    assert (found.query.terms.end is End.ROLLBACK) is undone
    assert dict(found.headers).get(b"preference-applied") == told


def test_a_bound_on_affected_rows_counts_only_when_strict() -> None:
    for prefer, most in (("handling=strict, max-affected=3", 3), ("max-affected=3", None)):
        found, _ = shape("", "PATCH", prefer=(prefer,))
        assert found.query.terms.max_affected == most


def test_unknown_preferences_matter_only_when_strict() -> None:
    assert shape("", prefer=("count=none, anything",))[0].headers == ()
    with pytest.raises(Refused) as caught:
        shape("", prefer=("handling=strict", "something, else"))
    assert (caught.value.wire, caught.value.details) == ("PGRST122", "Invalid preferences: something, else")


def test_a_filter_on_an_insert_is_refused_not_ignored() -> None:
    with pytest.raises(NotSupported):
        shape("id=eq.1", "POST")


@pytest.mark.parametrize(
    ("accept", "singular"),
    [
        ("*/*", False),
        ("application/json", False),
        ("text/html, application/xhtml+xml, */*;q=0.8", False),
        ("text/csv, */*; q=0.01", False),
        ("APPLICATION/vnd.pgrst.object+json; charset=utf-8", True),
        ("application/vnd.pgrst.object", True),
        ("application/json;q=0.1, application/vnd.pgrst.object+json", True),
    ],
)
def test_accept(accept: str, singular: bool) -> None:
    assert shape("", accept=(accept,))[0].singular is singular


@pytest.mark.parametrize(
    ("accept", "error"),
    [
        ("application/geo+json", MediaUnavailable),
        ("application/vnd.pgrst.plan+json", MediaUnavailable),
        ("text/unknowntype", MediaUnavailable),
        ("undefined", MediaUnavailable),
    ],
)
def test_accept_refused(accept: str, error: type[MainspringError]) -> None:
    with pytest.raises(error):
        shape("", accept=(accept,))


@pytest.mark.parametrize(
    ("accept", "forms"),
    [
        ("application/geo+json", [MediaForm.GEOJSON]),
        ("application/geo+json, text/unknowntype", [MediaForm.GEOJSON]),
        ("application/geo+json, application/json", [MediaForm.GEOJSON, MediaForm.JSON]),
        ("application/json;q=0.5, application/geo+json, text/csv;q=0.7", [MediaForm.GEOJSON, MediaForm.CSV]),
        ("application/geo+json, application/vnd.pgrst.plan+json, */*;q=0.1", [MediaForm.GEOJSON, MediaForm.JSON]),
        ("application/geo+json, application/vnd.pgrst.object+json", [MediaForm.GEOJSON, MediaForm.OBJECT]),
        ("application/json, application/geo+json", [MediaForm.JSON]),
        ("application/geo+json;q=0, application/json", [MediaForm.JSON]),
    ],
)
def test_what_may_not_be_made_has_another_choice_beside_it(accept: str, forms: list[MediaForm]) -> None:
    found: Shape | None = parse(Asked("GET", POSTS, "id=eq.", (accept,)), Grammar(no_geojson=None))
    shapes = []
    while found is not None:
        shapes.append(found)
        found = found.otherwise
    assert [each.media.form for each in shapes] == forms
    assert [each.query.terms.features for each in shapes] == [form is MediaForm.GEOJSON for form in forms]
    assert [each.singular for each in shapes] == [form is MediaForm.OBJECT for form in forms]


@pytest.mark.parametrize(
    ("accept", "form", "stripped", "content_type"),
    [
        ("text/csv", MediaForm.CSV, False, b"text/csv; charset=utf-8"),
        (
            "application/vnd.pgrst.array+json;nulls=stripped",
            MediaForm.JSON,
            True,
            b"application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
        ),
        (
            "application/vnd.pgrst.object+json; nulls=stripped",
            MediaForm.OBJECT,
            True,
            b"application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
        ),
    ],
)
def test_further_forms(accept: str, form: MediaForm, stripped: bool, content_type: bytes) -> None:
    media = shape("", accept=(accept,))[0].media
    assert (media.form, media.stripped, media.content_type) == (form, stripped, content_type)


def test_a_put_names_one_row_by_equality() -> None:
    found, values = shape("id=eq.7", "PUT")
    assert isinstance(found.query, Insert)
    assert (found.query.where, found.query.conflict, values) == (Compare("eq", ID, S0), Conflict(Resolution.MERGE), ["7"])
    for query, code in (("", "PGRST105"), ("id=gt.7", "PGRST105"), ("or=(id.eq.7)", "PGRST105"), ("id=eq.7&limit=1", "PGRST114")):
        with pytest.raises(Refused) as caught:
            shape(query, "PUT")
        assert caught.value.wire == code


def test_arguments_of_a_call_are_values() -> None:
    query = "a=1&b=x.y&a=2&id=gt.5&select=id&order=id"
    skeleton, texts = split(query, call=True)
    found = parse(Asked("GET", POSTS, skeleton, call=True), Grammar())
    assert isinstance(found.query, Call)
    assert (found.query.arguments, found.query.read_only) == (("a", "b"), True)
    assert [(name, texts[place]) for name, place in found.arguments] == [("a", "1"), ("b", "x.y"), ("a", "2")]
    assert found.query.selection.where == Compare("gt", ID, Slot(3))


def test_no_text_makes_the_grammar_backtrack() -> None:
    long = "(" + '"a,b",' * 5000
    for query in (f"id=in.{long}", f"or=(id.in.{long}", "select=" + "a-" * 20000, "or=" + "(and" * 5000):
        with pytest.raises((SyntaxInvalid, LimitExceeded)):
            where(query)
