"""A compiled statement: SQL text plus how each of its arguments is made from a request. Values are never in the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainspring.errors import MainspringError
from mainspring.plan.nodes import ParamSpec
from mainspring.plan.params import Binder, binders
from mainspring.principal import Principal
from mainspring.query.ast import Element, Slot

Encoder = Callable[[Any], Any]


def same(value: Any) -> Any:
    """The encoder of values that the driver takes as they are."""
    return value


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its argument makers, in the order of the placeholders; `unread` read values that the SQL does not need.

    The last `extra` arguments are not made from the request: whoever runs the statement adds them.
    """

    sql: str
    makers: tuple[Binder, ...]
    extra: int = 0
    binders: tuple[Binder, ...] = ()
    unread: tuple[Binder, ...] = ()

    def arguments(self, values: Sequence[Any], principal: Principal) -> list[Any]:
        """The arguments for one request. Raises the typed error of the first unfit value, in the order of the plan."""
        try:
            for bind in self.unread:
                bind(values, principal)
            return [make(values, principal) for make in self.makers]
        except MainspringError:
            for bind in self.binders:
                bind(values, principal)
            raise


@dataclass(slots=True)
class Arguments:
    """Collects the arguments of a statement while it is compiled; equal ones share a placeholder.

    A `whole` statement is all there is of its plan: values that it does not need (of an embed that answers nothing, say) must fit
    all the same.
    """

    specs: Sequence[ParamSpec]
    used: list[tuple[int | None, Encoder]] = field(default_factory=list)
    extras: int = 0
    whole: bool = False

    def add(self, index: int, encode: Encoder) -> int:
        """The 1-based number of the placeholder for parameter `index`, encoded by `encode`."""
        return self._place(index, encode)

    def constant(self, value: Any) -> int:
        """The number of the placeholder for a value fixed when the statement was compiled."""
        return self.made(_Fixed(value))

    def made(self, make: Encoder) -> int:
        """The number of the placeholder for what `make` makes of nothing each time the statement is run."""
        return self._place(None, make)

    def _place(self, index: int | None, encode: Encoder) -> int:
        if self.extras:
            raise AssertionError("extra arguments come last")
        key = (index, encode)
        if key not in self.used:
            self.used.append(key)
        return self.used.index(key) + 1

    def extra(self) -> int:
        """The number of one more placeholder, whose argument is given when the statement is run."""
        self.extras += 1
        return len(self.used) + self.extras

    def statement(self, sql: str) -> Statement:
        """The finished statement."""
        made = binders(self.specs)
        makers = tuple(_fixed(encode) if index is None else _encoded(made[index], encode) for index, encode in self.used)
        needed = {index for index, _ in self.used}
        unread = tuple(
            made[index]
            for index, spec in enumerate(self.specs)
            if self.whole and index not in needed and isinstance(spec.source, Slot | Element)
        )
        return Statement(sql, makers, self.extras, made, unread)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A constant in the shape of an encoder, so that equal constants share a placeholder."""

    value: Any

    def __call__(self, _: Any) -> Any:
        return self.value


def _fixed(encode: Encoder) -> Binder:
    return lambda values, principal: encode(None)


def _encoded(make: Binder, encode: Encoder) -> Binder:
    if encode is same:
        return make

    def maker(values: Sequence[Any], principal: Principal) -> Any:
        value = make(values, principal)
        return None if value is None else encode(value)

    return maker
