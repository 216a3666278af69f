"""10xx: what was asked cannot be read or is out of bounds."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import MainspringError, shorten


class RequestError(MainspringError):
    """What was asked cannot be read or is out of bounds."""

    code: ClassVar[str] = "MS1000"


class SyntaxInvalid(RequestError):
    """A piece of the request is not in the grammar. `part` names where, `text` is what was read."""

    code: ClassVar[str] = "MS1001"
    part: str
    text: str
    position: int | None = None
    expected: str | None = None

    @property
    def message(self) -> str:
        return f"failed to parse {self.part} ({shorten(self.text)})"

    @property
    def details(self) -> str | None:
        place = "" if self.position is None else f" at character {self.position + 1}"
        return f"expected {self.expected}{place}" if self.expected else (place.strip() or None)


class BodyInvalid(RequestError):
    """The body is not what the request says or needs."""

    code: ClassVar[str] = "MS1002"
    reason: str
    where: str | None = None

    @property
    def message(self) -> str:
        return self.reason

    @property
    def details(self) -> str | None:
        return self.where


class ValueInvalid(RequestError):
    """A value has not the form of its type."""

    code: ClassVar[str] = "MS1003"
    type: str
    value: str
    where: str | None = None
    reason: str | None = None

    @property
    def message(self) -> str:
        return f'invalid input syntax for type {self.type}: "{shorten(self.value)}"'

    @property
    def details(self) -> str | None:
        return "; ".join(part for part in (self.where, self.reason) if part) or None


class ValueOutOfRange(RequestError):
    """A value has the form of its type but does not fit it."""

    code: ClassVar[str] = "MS1004"
    type: str
    value: str
    where: str | None = None
    reason: str | None = None

    @property
    def message(self) -> str:
        return f'value "{shorten(self.value)}" is out of range for type {self.type}'

    @property
    def details(self) -> str | None:
        return "; ".join(part for part in (self.where, self.reason) if part) or None


class LimitExceeded(RequestError):
    """The request is larger, deeper or longer than this server takes."""

    code: ClassVar[str] = "MS1005"
    what: str
    limit: int
    unit: str = ""
    too_large_body: bool = False

    @property
    def message(self) -> str:
        return f"{self.what} exceeds the limit of {self.limit} {self.unit}".rstrip()


class NotSupported(RequestError):
    """Understood, but not offered (here, or by this engine)."""

    code: ClassVar[str] = "MS1006"
    feature: str
    by: str | None = None
    instead: str | None = None

    @property
    def message(self) -> str:
        return f"{self.feature} is not supported" + (f" by {self.by}" if self.by else "")

    @property
    def hint(self) -> str | None:
        return self.instead


class OperatorInvalid(RequestError):
    """An operator that does not exist, or not for this type."""

    code: ClassVar[str] = "MS1007"
    operator: str
    type: str | None = None
    suggestion: str | None = None

    @property
    def message(self) -> str:
        if self.type:
            return f"operator {self.operator} does not exist for type {self.type}"
        return f'unknown operator "{shorten(self.operator)}"'

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant the operator '{self.suggestion}'" if self.suggestion else None


class RelatedOrderInvalid(RequestError):
    """A table is to be ordered by a related one of which it can have several rows."""

    code: ClassVar[str] = "MS1008"
    source: str
    target: str

    @property
    def message(self) -> str:
        return f"A related order on '{self.target}' is not possible"

    @property
    def details(self) -> str | None:
        return f"'{self.source}' and '{self.target}' do not form a many-to-one or one-to-one relationship"


class MaxAffectedInvalid(RequestError):
    """A bound on affected rows was given to a function that answers a single value."""

    code: ClassVar[str] = "MS1009"

    @property
    def message(self) -> str:
        return "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"


class NotGrouped(RequestError):
    """Groups are to be ordered by a column that is not one of those they are made by."""

    code: ClassVar[str] = "MS1010"
    table: str
    column: str

    @property
    def message(self) -> str:
        return f'column "{self.table}.{self.column}" must be selected or be used in an aggregate function'

    @property
    def hint(self) -> str | None:
        return "Order groups by what is selected, or by an aggregate such as count()."


class SearchInvalid(RequestError):
    """A full-text search query is not well-formed."""

    code: ClassVar[str] = "MS1011"
    problem: str
    query: str | None = None

    @property
    def message(self) -> str:
        return self.problem if self.query is None else f'{self.problem}: "{shorten(self.query)}"'


class SearchConfigUnknown(RequestError):
    """The database has no text search configuration of that name."""

    code: ClassVar[str] = "MS1012"
    config: str

    @property
    def message(self) -> str:
        return f'text search configuration "{shorten(self.config)}" does not exist'
