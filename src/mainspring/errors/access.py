"""40xx: who asks may not."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import MainspringError, Worded, shorten


class AccessError(MainspringError):
    """Who asks may not. `anonymous` tells surfaces whether signing in could help."""

    code: ClassVar[str] = "MS4000"


class PermissionDenied(AccessError):
    """No privilege on the table (or on the column named)."""

    code: ClassVar[str] = "MS4001"
    table: str
    column: str | None = None
    anonymous: bool = False

    @property
    def message(self) -> str:
        if self.column:
            return f"permission denied for column {self.column} of table {self.table}"
        return f"permission denied for table {self.table}"


class RowCheckViolated(AccessError):
    """A row that a policy does not let the caller write."""

    code: ClassVar[str] = "MS4002"
    table: str
    existing: bool = False
    anonymous: bool = False

    @property
    def message(self) -> str:
        which = " (USING expression)" if self.existing else ""
        return f'new row violates row-level security policy{which} for table "{self.table}"'


class RoutineDenied(AccessError):
    """The caller may not call this function. `anonymous`: signing in could help."""

    code: ClassVar[str] = "MS4003"
    routine: str
    anonymous: bool = False

    @property
    def message(self) -> str:
        return f"permission denied for function {shorten(self.routine)}"


class RoutineWrites(AccessError):
    """A function that may change something was called in a way that must not."""

    code: ClassVar[str] = "MS4004"
    routine: str

    @property
    def message(self) -> str:
        return f"cannot execute {shorten(self.routine)} in a read-only transaction"

    @property
    def hint(self) -> str | None:
        return "Call it with POST."


class Refusal(Worded, AccessError):
    """What a function of the application's refuses: raise it there, and the client reads it.

    `text`, `more` and `cure` are message, details and hint, `reason` a code of the application's own, `status` HTTP's.
    """

    code: ClassVar[str] = "MS4005"
    text: str
    reason: str = "P0001"
    more: str | None = None
    cure: str | None = None
    status: int = 400


class RoutineFailed(AccessError):
    """A function of the application's raised what it should not have."""

    code: ClassVar[str] = "MS4006"
    routine: str

    @property
    def message(self) -> str:
        return f"The function {shorten(self.routine)} failed"
