"""Logic trees: `and=(...)`, `or=(...)`, nested and negated; `having=(...)` over aggregates.

A tree is read once per request, which cuts its values out; what is left keys the shape, and is itself a tree that
reads the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mainspring.errors import LimitExceeded, SyntaxInvalid
from mainspring.query.ast import Aggregate, And, Column, Expr, Not, Or
from mainspring.surfaces.rest.aggregates import operand
from mainspring.surfaces.rest.filters import LIST, Slots, comparison, is_test, refusal, valued
from mainspring.surfaces.rest.scan import QUOTED, Scanner, unescape

_BRANCH = re.compile(r"(not\.)?(and|or)(?=[ \t]*\()")
_OPERATION = re.compile(r"((?:not\.)?[a-z]+(?:\([\w $]*\))?)\.")
_IS = re.compile(r"(?:not\.)?is\.[A-Za-z_]*")
_ARRAY = re.compile(r"\{[^{}]*\}(?=[ \t]*[,)])")
_PLAIN = re.compile(r"[^,)]*")
_AFTER = re.compile(r"(?=[,)])")
_DEEPEST = 32
HAVING = "having"
_EXPECTED = "field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)"


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree that was read: its condition, its values in order, its text without them."""

    condition: Expr
    values: list[str]
    skeleton: str


def read_tree(connective: str, text: str, slots: Slots) -> Tree:
    """The tree `text` under `and`, `or`, `not.and`, `not.or` or `having`. Raises what scanning and filters raise."""
    reader = _Reader(text, slots, aggregates=connective == HAVING)
    name = "and" if connective == HAVING else connective.removeprefix("not.")
    condition = reader.branch(name, 1)
    reader.scan.finish()
    negated = connective.startswith("not.")
    return Tree(Not(condition) if negated else condition, reader.values, reader.skeleton())


class _Reader:
    def __init__(self, text: str, slots: Slots, *, aggregates: bool) -> None:
        self.scan = Scanner("logic tree", text)
        self.aggregates = aggregates
        self.slots = slots
        self.values: list[str] = []
        self.kept: list[str] = []
        self.cut_at = 0

    def skeleton(self) -> str:
        return "".join(self.kept) + self.scan.text[self.cut_at :]

    def branch(self, name: str, depth: int) -> Expr:
        if depth > _DEEPEST:
            raise LimitExceeded(what="the nesting of and/or", limit=_DEEPEST, unit="levels")
        scan = self.scan
        scan.spaces()
        scan.expect("(")
        items = [self.item(depth)]
        while scan.take(","):
            items.append(self.item(depth))
        scan.expect(")")
        scan.spaces()
        return And(tuple(items)) if name == "and" else Or(tuple(items))

    def item(self, depth: int) -> Expr:
        scan = self.scan
        scan.spaces()
        found = scan.match(_BRANCH)
        if found is None:
            return self.leaf()
        inner = self.branch(found[2], depth + 1)
        return Not(inner) if found[1] else inner

    def leaf(self) -> Expr:
        scan = self.scan
        try:
            column = self.operand()
        except SyntaxInvalid as error:
            error.expected = error.expected if self.aggregates else _EXPECTED
            raise
        scan.spaces()
        scan.expect(".")
        tested = scan.match(_IS)
        if tested is not None:
            condition = is_test(column, tested[0])
            assert condition is not None  # _IS and is_test agree on the prefix
            scan.spaces()
            return condition
        start = scan.position
        found = scan.match(_OPERATION)
        if found is None or not valued(found[1]):
            raise refusal(scan.text, start)
        self.cut(found[1].removeprefix("not."))
        return comparison(column, found[1], self.slots)

    def operand(self) -> Column | Aggregate:
        scan, name = self.scan, self.scan.name()
        if not self.aggregates:
            return Column(name, *scan.json_path())
        found = operand(scan, name)
        if isinstance(found, Column):
            raise scan.fail("an aggregate, such as count() or price.sum()")
        return found

    def cut(self, operator: str) -> None:
        """Take the operator's value, which comes next, out of the text."""
        is_list = operator == "in"
        scan, start = self.scan, self.scan.position
        self.kept.append(scan.text[self.cut_at : start])
        self.values.append(self.list_text() if is_list else self.scalar())
        self.cut_at = scan.position
        if is_list:
            self.kept.append("()")

    def list_text(self) -> str:
        found = self.scan.match(LIST)
        if found is None:
            raise self.scan.fail('"("')
        return found[0].strip(" \t")

    def scalar(self) -> str:
        scan, start = self.scan, self.scan.position
        quoted = scan.match(QUOTED)
        if quoted is not None and (scan.at_end or scan.match(_AFTER)):
            return unescape(quoted[1])
        scan.position = start
        found = scan.match(_ARRAY) or scan.match(_PLAIN)
        assert found is not None  # _PLAIN matches anything
        return found[0]
