"""Text search configurations: which lexemes a text consists of, and where they stand in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from mainspring.query.search.stems import stem
from mainspring.query.search.tokens import tokens

STOP_WORDS: Final = frozenset(
    {
        "i", "me", "my", "myself", "we", "our", "ours", "ourselves", "you", "your", "yours", "yourself", "yourselves",
        "he", "him", "his", "himself", "she", "her", "hers", "herself", "it", "its", "itself", "they", "them", "their",
        "theirs", "themselves", "what", "which", "who", "whom", "this", "that", "these", "those", "am", "is", "are",
        "was", "were", "be", "been", "being", "have", "has", "had", "having", "do", "does", "did", "doing", "a", "an",
        "the", "and", "but", "if", "or", "because", "as", "until", "while", "of", "at", "by", "for", "with", "about",
        "against", "between", "into", "through", "during", "before", "after", "above", "below", "to", "from", "up",
        "down", "in", "out", "on", "off", "over", "under", "again", "further", "then", "once", "here", "there", "when",
        "where", "why", "how", "all", "any", "both", "each", "few", "more", "most", "other", "some", "such", "no",
        "nor", "not", "only", "own", "same", "so", "than", "too", "very", "s", "t", "can", "will", "just", "don",
        "should", "now",
    }
)  # fmt: skip
"""The English words too common to be looked for."""

LONGEST_LEXEME: Final = 2046
LAST_POSITION: Final = 16_383
MOST_POSITIONS: Final = 255
"""PostgreSQL's bounds: bytes of a lexeme (longer ones are passed over), positions told apart, positions kept of one lexeme."""

Dictionary = Callable[[str], str | None]
"""From a word in lower case to its lexeme, None for a stop word."""

Positions = dict[str, list[int]]


def _english(word: str) -> str | None:
    return None if word in STOP_WORDS else stem(word)


_DICTIONARIES: Final[Mapping[str, Dictionary]] = {"english": _english, "simple": lambda word: word}


def lower(text: str) -> str:
    """`text` in lower case, one character for one, as databases do it."""
    if "İ" in text or "Σ" in text:
        return "".join("i" if character == "İ" else character.lower() for character in text)
    return text.lower()


def folded(text: str) -> Iterator[tuple[str, bool]]:
    """Each token that counts as a position, in lower case, and whether it is a word."""
    for token in tokens(text):
        if len(token.text) * 4 > LONGEST_LEXEME and len(token.text.encode()) > LONGEST_LEXEME:
            continue
        yield lower(token.text), token.word


def lexemes(config: str, text: str) -> Iterator[str | None]:
    """The lexeme of each token that counts as a position; None for a stop word."""
    dictionary = _DICTIONARIES[config]
    for token, word in folded(text):
        yield dictionary(token) if word else token


def positions(config: str, value: Any) -> Positions:
    """Where each lexeme of a text, or of the texts in a JSON document, stands (from 1)."""
    found: Positions = {}
    place = 0
    for text in (value,) if isinstance(value, str) else _texts(value):
        some = False
        for lexeme in lexemes(config, text):
            place += 1
            if lexeme is not None:
                some = True
                _note(found, lexeme, place)
        place += some
    return found


def places(config: str, text: str, beginnings: tuple[str, ...], last: str | None) -> Positions:
    """What `positions` finds of the words that begin so, up to the lexeme `last`."""
    dictionary, found = _DICTIONARIES[config], Positions()
    for place, (token, word) in enumerate(folded(text), 1):
        if token.startswith(beginnings):
            lexeme = dictionary(token) if word else token
            if lexeme is not None:
                _note(found, lexeme, place)
                if lexeme == last:
                    break
    return found


def seen(config: str, text: str, pattern: re.Pattern[str]) -> Positions:
    """The lexemes of the words that a pattern finds in a plain text in lower case; that they are there, not where."""
    dictionary = _DICTIONARIES[config]
    lexemes = {dictionary(word) for word in pattern.findall(text)}
    return {lexeme: [1] for lexeme in lexemes if lexeme is not None}


def _note(found: Positions, lexeme: str, place: int) -> None:
    place = min(place, LAST_POSITION)
    places = found.setdefault(lexeme, [])
    if len(places) < MOST_POSITIONS and (not places or places[-1] != place):
        places.append(place)


def _texts(document: Any) -> Iterator[str]:
    """The texts in a document in the order of a `jsonb`: keys by length, then by bytes."""
    match document:
        case str():
            yield document
        case dict():
            for key in sorted(document, key=lambda key: (len(key.encode()), key.encode())):
                yield from _texts(document[key])
        case list() | tuple():
            for item in document:
                yield from _texts(item)
        case _:
            return
