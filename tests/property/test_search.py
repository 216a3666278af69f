"""Texts have the words, and queries the meaning, that they have for the real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mainspring.errors import MainspringError
from mainspring.query.search.configs import positions
from mainspring.query.search.match import matches
from mainspring.query.search.stems import stem
from mainspring.query.search.tokens import is_plain, tokens
from tests.property.cases import examples, ran, seconds
from tests.support.servers import PostgresServer

pytestmark = pytest.mark.timeout(seconds())
FUNCTIONS = {"fts": "to_tsquery", "plfts": "plainto_tsquery", "phfts": "phraseto_tsquery", "wfts": "websearch_to_tsquery"}


@pytest.fixture(scope="module")
def ask(server: PostgresServer | None) -> Iterator[Any]:
    """Asks the real PostgreSQL for a value; skips where there is none."""
    if server is None:
        pytest.skip("PostgreSQL could not start")
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        yield lambda sql, *values: connection.execute(sql, values).fetchone()[0]


# ---------------------------------------------------------------- texts

PIECES = (
    "a", "foo", "bar", "Com", "x", "é", "Ω", "ß", "İ", "漢字", "e\u0301", "1", "12", "0", "e", "E5", " ", " ", "-", "-",
    "_", ".", ".", "/", "/", "@", ":", "://", "?", "&", "&amp;", "&#12;", "<", "<b>", "</b>", "<br/>", ">",
    "<a href='x'>", "<!--", "-->", "<script>", "</script>", "~", "+", "'", '"', "=", ",", "\\", "#", "%", "\n", "..",
    "./", "a.com", "x@y.org", "http://", "e5", "<?x", "<!D", "\u2014", "\U0001f600", "running", "cats", "the", "of",
)  # fmt: skip


@examples(0.2)
@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join), st.sampled_from(["english", "simple"]))
def test_texts_have_the_words_that_they_have_for_postgresql(ask: Any, text: str, config: str) -> None:
    ran("full-text search")
    sql = "SELECT coalesce(jsonb_object_agg(lexeme, positions), '{}') FROM unnest(to_tsvector(%s::regconfig, %s))"
    assert positions(config, text) == ask(sql, config, text)


DOCUMENTS = st.recursive(
    st.sampled_from(["cats", "a dog", "", 1, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "bb", "c", "é"]), inner, max_size=3),
    max_leaves=6,
)


@examples(0.1)
@given(DOCUMENTS)
def test_documents_have_the_words_that_they_have_for_postgresql(ask: Any, document: Any) -> None:
    from psycopg.types.json import Jsonb

    sql = "SELECT coalesce(jsonb_object_agg(lexeme, positions), '{}') FROM unnest(to_tsvector('english', %s::jsonb))"
    assert positions("english", document) == ask(sql, Jsonb(document))


SUFFIXES = (
    "s es ed ing ly er ation ness ational tional enci anci izer bli alli entli ization ator alism iveness aliti iviti biliti ogi"
    " ogist fulli lessli li ment ement able ible al ism ate iti ous ive ize ion sion tion y ies ied eed eedly edly ingly"
    " ical icate ful ll e"
)
WORD = st.tuples(
    st.text("abcdefghilmnoprstuvwxyz", min_size=1, max_size=6), st.lists(st.sampled_from(SUFFIXES.split()), max_size=3)
).map(lambda parts: parts[0] + "".join(parts[1]))


@examples(0.05)
@given(st.lists(WORD, min_size=20, max_size=20))
@example(["cviyyhtionalli", "yyyhtion", "bayyyhtion", "ayyying"])
def test_words_have_the_stems_that_they_have_for_postgresql(ask: Any, words: list[str]) -> None:
    sql = (
        "SELECT array_agg(coalesce((ts_lexize('english_stem', w))[1], '') ORDER BY n)"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS u(w, n)"
    )
    found = zip(words, ask(sql, words), strict=True)
    assert [(word, known) for word, known in found if known not in ("", stem(word))] == []


PIECES = [*"abZ ,;!?()[]{}\"'*=#$%^|.:\n", " 12 ", "1", "5.", "e", "is", ". ", ": ", ".."]
PLAIN = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@examples(0.05)
@given(PLAIN)
def test_the_words_of_a_plain_text_are_its_runs_of_letters(text: str) -> None:
    if is_plain(text):
        found = list(tokens(text))
        assert [token.text for token in found if token.word] == re.findall("[A-Za-z]+", text)
        assert all(token.text.isdigit() for token in found if not token.word)


# ---------------------------------------------------------------- queries

SOUGHT = ["cat", "cats", "dog", "the", "running", "run", "a", "of", "foo-bar", "x", "ability", "3", "1.5", "café", "it's"]
TEXTS = st.lists(st.sampled_from(SOUGHT), max_size=8).map(" ".join)
OPERAND = st.tuples(st.sampled_from(SOUGHT), st.sampled_from(["", "", ":*", ":A", ":*D", ":b"])).map(
    lambda parts: "'" + parts[0].replace("'", "''") + "'" + parts[1]
)
TREES = st.recursive(
    OPERAND,
    lambda inner: st.one_of(
        inner.map(lambda item: f"!{item}"),
        st.tuples(inner, st.sampled_from([" & ", " | ", "&", "|", " <-> ", "<->", " <2> ", " <0> "]), inner).map(
            lambda parts: f"({parts[0]}{parts[1]}{parts[2]})"
        ),
        st.tuples(inner, st.sampled_from([" & ", "|", "<->", " <3> "]), inner).map("".join),
    ),
    max_leaves=6,
)
SCRAPS = (
    "!", "&", "|", "(", ")", "<->", "<2>", "<", "'", ":", "*", ":*", " ", "\\", "-", '"', " or ", " OR ", "or", "cat", "dog",
    "the", "foo-bar", "a", "<x>", ":A", "<99999>", "OR-x", "or_x", " -", "--", "''",
)  # fmt: skip
NOISE = st.lists(st.sampled_from(SCRAPS), max_size=9).map("".join)
WEB = st.lists(st.sampled_from([*SOUGHT, "or", "-cat", "-dog", '"cat dog"', '"the dog', '-"run cat"']), max_size=5).map(" ".join)


@examples(0.3)
@given(st.sampled_from(sorted(FUNCTIONS)), st.sampled_from(["english", "simple"]), TEXTS, st.one_of(TREES, NOISE, WEB, TEXTS))
def test_queries_mean_what_they_mean_to_postgresql(ask: Any, operator: str, config: str, text: str, query: str) -> None:
    import psycopg

    ran("full-text search")
    try:
        mine: bool | str = matches(operator, config, query, text)
    except MainspringError as error:
        mine = error.message
    sql = f"SELECT to_tsvector(%s::regconfig, %s) @@ {FUNCTIONS[operator]}(%s::regconfig, %s)"
    try:
        theirs = ask(sql, config, text, config, query)
    except psycopg.Error as error:
        theirs = error.diag.message_primary
    assert mine == theirs
