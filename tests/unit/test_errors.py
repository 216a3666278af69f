"""The tree of errors: numbers that mean one thing each, and the drawing of it that people read."""

from __future__ import annotations

import re
from itertools import pairwise

from tests.support.leaves import leaves

import mainspring.errors
from mainspring.errors import MainspringError


def test_every_leaf_is_drawn_with_its_number_and_exported() -> None:
    drawn = dict(re.findall(r"(\w+) (\d{4})\b", mainspring.errors.__doc__ or ""))
    assert drawn == {each.__name__: each.code.removeprefix("MS") for each in leaves(MainspringError) if each.code != "MS9000"}
    assert {each.__name__ for each in leaves(MainspringError)} <= set(mainspring.errors.__all__)


def test_no_two_leaves_share_a_number() -> None:
    codes = sorted(each.code for each in leaves(MainspringError))
    assert not [one for one, next_one in pairwise(codes) if one == next_one]


def test_a_leaf_s_number_is_of_its_family() -> None:
    for family in MainspringError.__subclasses__():
        assert {each.code[:4] for each in leaves(family)} <= {family.code[:4]}
