"""60xx: the answer is not what was asked for."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import MainspringError, shorten


class ResultError(MainspringError):
    """The answer exists, but not in the form asked for; a write is undone."""

    code: ClassVar[str] = "MS6000"


class NotSingular(ResultError):
    """One row was asked for, another number was found."""

    code: ClassVar[str] = "MS6001"
    count: int

    @property
    def message(self) -> str:
        return "Cannot coerce the result to a single JSON object"

    @property
    def details(self) -> str | None:
        return f"The result contains {self.count} rows"


class TooManyAffected(ResultError):
    """More rows would have changed than the client allows; nothing has."""

    code: ClassVar[str] = "MS6003"
    count: int

    @property
    def message(self) -> str:
        return "Query result exceeds max-affected preference constraint"

    @property
    def details(self) -> str | None:
        return f"The query affects {self.count} rows"


class RangeNotSatisfiable(ResultError):
    """The page asked for begins past the end."""

    code: ClassVar[str] = "MS6002"
    offset: int
    total: int | None = None
    reason: str | None = None

    @property
    def message(self) -> str:
        return "Requested range not satisfiable"

    @property
    def details(self) -> str | None:
        return self.reason or (f"An offset of {self.offset} was requested, but there are only {self.total} rows.")


class MediaUnavailable(ResultError):
    """The answer cannot be had in any of the media types asked for."""

    code: ClassVar[str] = "MS6004"
    media: tuple[str, ...]
    reason: str | None = None
    instead: str | None = None

    @property
    def message(self) -> str:
        return f"None of these media types are available: {', '.join(map(shorten, self.media))}"

    @property
    def details(self) -> str | None:
        return self.reason

    @property
    def hint(self) -> str | None:
        return self.instead


class KeyMismatch(ResultError):
    """The row that was sent is not the one that the address names."""

    code: ClassVar[str] = "MS6005"

    @property
    def message(self) -> str:
        return "Payload values do not match URL in primary key column(s)"


class ResponseHeadersInvalid(ResultError):
    """The headers that the database set for its answer are not a list of objects with one name and value each."""

    code: ClassVar[str] = "MS6006"

    @property
    def message(self) -> str:
        return "response.headers guc must be a JSON array composed of objects with a single key and a string value"


class ResponseStatusInvalid(ResultError):
    """The status that the database set for its answer is not one."""

    code: ClassVar[str] = "MS6007"

    @property
    def message(self) -> str:
        return "response.status guc must be a valid status code"
