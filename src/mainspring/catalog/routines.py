"""Functions that can be called, as the catalog knows them: the application's own and a database's.

It knows no engine and no Python callable; whoever runs a routine keeps what it runs beside it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from mainspring.query.ast import TableName


class Volatility(StrEnum):
    """What a function may do: only a volatile one may change anything."""

    IMMUTABLE = "immutable"
    STABLE = "stable"
    VOLATILE = "volatile"


class Parameter(msgspec.Struct, frozen=True):
    """An argument that a routine takes. `type` is the database's name of its type (`integer`, `character varying`).

    `length_free` is set where that name would cut values short.
    """

    name: str
    type: str
    required: bool = True
    variadic: bool = False
    length_free: str | None = None

    @property
    def full_type(self) -> str:
        """The type that takes values of any length: a plain `character` would cut them to one."""
        return self.length_free or self.type


class Returns(msgspec.Struct, frozen=True):
    """What a routine answers: one value or (`many`) rows of them.

    `composite`: each is a row of columns, of `table` (or composite type), by which it can be embedded. `type` is the database's
    name of the type (`void`, `record`, `integer`).
    """

    type: TableName
    many: bool = False
    table: TableName | None = None
    composite: bool = False

    @property
    def void(self) -> bool:
        """Whether it answers nothing."""
        return self.type.name == "void" and not self.many


class Routine(msgspec.Struct, frozen=True):
    """A function. Overloads share a name and differ in their parameters.

    `settings` are what the database sets while it runs (`("statement_timeout", "1s")`), `isolation` the isolation level its
    caller's transaction must have.
    """

    name: TableName
    parameters: tuple[Parameter, ...]
    returns: Returns
    volatility: Volatility = Volatility.VOLATILE
    comment: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    isolation: str | None = None

    @property
    def read_only(self) -> bool:
        """Whether it promises to change nothing."""
        return self.volatility is not Volatility.VOLATILE


class Representation(msgspec.Struct, frozen=True):
    """A cast of a domain that the database wants applied (`source` and `target` name types: a domain, `json`, `text`)."""

    source: str
    target: str
    function: TableName


class Handler(msgspec.Struct, frozen=True):
    """A media type that a `function` of the database's makes of the rows of `rows_of`, a table or a routine (None: of any).

    `media` is `*/*` for one that takes whatever is asked for; `made` is what it then is.
    """

    media: str
    made: str
    function: TableName
    rows_of: TableName | None = None
