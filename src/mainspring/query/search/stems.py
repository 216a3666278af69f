"""English words brought to their stems by the Porter2 algorithm, as PostgreSQL's `english_stem` does.

Snowball's later versions stem some words differently ("-ogist"); those words must agree with the databases that are in use.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

IRREGULAR: Final = {
    "skis": "ski",
    "skies": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "idly": "idl",
    "gently": "gentl",
    "ugly": "ugli",
    "early": "earli",
    "only": "onli",
    "singly": "singl",
} | {word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")}
_FINISHED: Final = frozenset(["inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"])

_AFTER_A_VOWEL: Final = re.compile(r"([aeiouy])y")
_REGION: Final = re.compile(r"[aeiouy][^aeiouy]")
_OPENINGS: Final = re.compile(r"gener|commun|arsen")
_VOWEL: Final = re.compile(r"[aeiouy]")
_SHORT_END: Final = re.compile(r"(?:[^aeiouy][aeiouy][^aeiouywxY]|^[aeiouy][^aeiouy])$")
_DOUBLE: Final = frozenset(["bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt"])

_STEP_2: Final = {
    "ational": "ate", "fulness": "ful", "iveness": "ive", "ization": "ize", "ousness": "ous", "biliti": "ble",
    "lessli": "less", "tional": "tion", "alism": "al", "aliti": "al", "ation": "ate", "entli": "ent", "fulli": "ful",
    "iviti": "ive", "ousli": "ous", "abli": "able", "alli": "al", "anci": "ance", "ator": "ate", "enci": "ence",
    "izer": "ize", "bli": "ble", "ogi": "og", "li": "",
}  # fmt: skip
_STEP_3: Final = {
    "ational": "ate", "tional": "tion", "alize": "al", "ative": "", "icate": "ic", "iciti": "ic", "ical": "ic",
    "ness": "", "ful": "",
}  # fmt: skip
_STEP_4: Final = (
    "ement", "able", "ance", "ence", "ible", "ment", "ant", "ate", "ent", "ion", "ism", "iti", "ive", "ize", "ous", "al", "er",
    "ic",
)  # fmt: skip


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """The stem of a word in lower case."""
    if len(word) <= 2:
        return word
    irregular = IRREGULAR.get(word)
    if irregular is not None:
        return irregular
    word = _AFTER_A_VOWEL.sub(r"\1Y", f"Y{word[1:]}" if word[0] == "y" else word)  # of two after it only the first
    first = _first_region(word)
    second = _region(word, first)
    word = _plural(word)
    if word in _FINISHED:
        return word
    word = _past(word, first)
    word = _final_y(word)
    word = _step_2(word, first)
    word = _step_3(word, first, second)
    word = _step_4(word, second)
    return _step_5(word, first, second).replace("Y", "y")


CHANGED: Final = frozenset("iley")
"""The last letters of stems that may not be those of the word: happi(er), abl(e), relat(ion)e, sky(skies)."""


def beginnings(stem: str, prefix: bool = False) -> tuple[str, ...]:
    """How every word of a stem begins (with `prefix`, of all stems that begin so): with its letters but perhaps the last."""
    regular = stem[:-1] if stem[-1:] in CHANGED else stem
    others = (word for word, irregular in IRREGULAR.items() if (irregular.startswith(stem) if prefix else irregular == stem))
    return (regular, *(word for word in others if not word.startswith(regular)))


def _region(word: str, start: int) -> int:
    """Where the region after the first consonant that follows a vowel begins, from `start` on."""
    found = _REGION.search(word, start)
    return found.end() if found else len(word)


def _first_region(word: str) -> int:
    opening = _OPENINGS.match(word)
    return opening.end() if opening else _region(word, 0)


def _plural(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")) and _VOWEL.search(word, 0, len(word) - 2):
        return word[:-1]
    return word


def _past(word: str, first: int) -> str:
    for suffix in ("eedly", "eed"):
        if word.endswith(suffix):
            return word[: 2 - len(suffix)] + "" if len(word) - len(suffix) >= first else word
    for suffix in ("ingly", "edly", "ing", "ed"):
        if word.endswith(suffix):
            rest = word[: -len(suffix)]
            return _mended(rest, first) if _VOWEL.search(rest) else word
    return word


def _mended(word: str, first: int) -> str:
    """What is left of a past form: with its `e` again, or without a doubled letter."""
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if word[-2:] in _DOUBLE:
        return word if len(word) == 3 and word[0] in "aeo" else word[:-1]
    return word + "e" if len(word) <= first and _SHORT_END.search(word) else word


def _final_y(word: str) -> str:
    replaced = word[-1] in "yY" and len(word) > 2 and word[-2] not in "aeiouy"
    return word[:-1] + "i" if replaced else word


def _suffix(word: str, suffixes: dict[str, str]) -> str | None:
    """The longest of the suffixes (they are in order of length) with which the word ends."""
    return next((suffix for suffix in suffixes if word.endswith(suffix)), None)


def _step_2(word: str, first: int) -> str:
    suffix = _suffix(word, _STEP_2)
    if suffix is None or len(word) - len(suffix) < first:
        return word
    before = word[: -len(suffix)]
    if (suffix == "ogi" and not before.endswith("l")) or (suffix == "li" and before[-1:] not in set("cdeghkmnrt")):
        return word
    return before + _STEP_2[suffix]


def _step_3(word: str, first: int, second: int) -> str:
    suffix = _suffix(word, _STEP_3)
    if suffix is None or len(word) - len(suffix) < (second if suffix == "ative" else first):
        return word
    return word[: -len(suffix)] + _STEP_3[suffix]


def _step_4(word: str, second: int) -> str:
    suffix = next((suffix for suffix in _STEP_4 if word.endswith(suffix)), None)
    if suffix is None or len(word) - len(suffix) < second:
        return word
    before = word[: -len(suffix)]
    return word if suffix == "ion" and before[-1:] not in ("s", "t") else before


def _step_5(word: str, first: int, second: int) -> str:
    before = word[:-1]
    if word.endswith("e"):
        dropped = len(before) >= second or (len(before) >= first and not _SHORT_END.search(before))
        return before if dropped else word
    return before if word.endswith("ll") and len(before) >= second else word
