"""Texts to be searched and full-text queries for them: words that share stems, stop words, compounds, numbers, punctuation."""

from __future__ import annotations

from hypothesis import strategies as st

WORDS = (
    *("cat", "cats", "Cat", "run", "running", "runs", "happy", "happily", "happiness", "dying", "die", "skies", "sky"),
    *("relational", "the", "of", "not", "and", "Straße", "école", "ÉCOLE", "кошка", "İstanbul", "ability", "capability"),
    *("5kg", "1.5kg", "42", "-3.5", "e-mail", "well-known", "a.b@example.com", "example.com/path?q=1", "/usr/lib", "x", "go"),
    *("it's", "foo_bar", "<b>", "&amp;"),
)
JOINED = (" ", " ", " ", ", ", "  ", "\n", "-", ".", "/", "'")


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of a few words."""
    parts = draw(st.lists(st.sampled_from(WORDS), max_size=7))
    return "".join(part + draw(st.sampled_from(JOINED)) for part in parts)


@st.composite
def queries(draw: st.DrawFn, operator: str) -> str:
    """A query of an operator; those of `fts` are well-formed more often than not."""
    if operator != "fts":
        marks = ("", "", "-", '"', "or ") if operator == "wfts" else ("",)
        parts = draw(st.lists(st.sampled_from(WORDS), max_size=4))
        return " ".join(draw(st.sampled_from(marks)) + part for part in parts)
    return draw(_tree(2))


@st.composite
def _tree(draw: st.DrawFn, depth: int) -> str:
    match draw(st.integers(0, 8)) if depth else 0:
        case 5:
            return f"!{draw(_tree(depth - 1))}"
        case 6:
            return f"({draw(_tree(depth - 1))})"
        case 7 | 8:
            joined = draw(st.sampled_from(["&", "|", "<->", "<2>", " & ", " "]))
            return f"{draw(_tree(depth - 1))}{joined}{draw(_tree(depth - 1))}"
        case _:
            word = draw(st.sampled_from(WORDS)).replace("'", "''")
            return draw(st.sampled_from([f"'{word}'", f"'{word}':*", "cat", "run:*", "hap:*", "the"]))
