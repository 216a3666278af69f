"""Functions that can be called, as the catalog knows them: the application's own and a database's.

It knows no engine and no Python callable; whoever runs a routine keeps what it runs beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mainspring.query.ast import TableName


class Volatility(StrEnum):
    """What a function may do: only a volatile one may change anything."""

    IMMUTABLE = "immutable"
    STABLE = "stable"
    VOLATILE = "volatile"


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument that a routine takes. `type` is the database's name of its type (`integer`, `character varying`)."""

    name: str
    type: str
    required: bool = True
    variadic: bool = False
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Returns:
    """What a routine answers: one value or (`many`) rows of them.

    `table` is set where a row has columns: the table (or composite type) whose rows they are, by which they can be embedded.
    `type` is the database's name of the type otherwise (`void`, `record`, `integer`). `alias`: a domain over a composite type.
    """

    type: TableName
    many: bool = False
    table: TableName | None = None
    alias: bool = False

    @property
    def void(self) -> bool:
        """Whether it answers nothing."""
        return self.type.name == "void" and not self.many


@dataclass(frozen=True, slots=True)
class Routine:
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


@dataclass(frozen=True, slots=True)
class Representation:
    """A cast of a domain that the database wants applied (`source` and `target` name types: a domain, `json`, `text`)."""

    source: str
    target: str
    function: TableName


@dataclass(frozen=True, slots=True)
class Handler:
    """A media type that an aggregate of the database's makes of rows of `table` (None: of any rows).

    `media` is `*/*` for one that says by itself what it made. `routine` is set when a function's own answer has the media type.
    """

    media: str
    function: TableName | None
    table: TableName | None = None
    routine: TableName | None = None
