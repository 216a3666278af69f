"""50xx: the data does not allow it."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import MainspringError


class ConstraintError(MainspringError):
    """A constraint of the data refused the write; nothing of it was kept."""

    code: ClassVar[str] = "MS5000"
    table: str | None = None
    constraint: str | None = None
    columns: tuple[str, ...] = ()


class UniqueViolated(ConstraintError):
    """A key that is taken."""

    code: ClassVar[str] = "MS5001"

    @property
    def message(self) -> str:
        return f'duplicate key value violates unique constraint "{self.constraint}"'

    @property
    def details(self) -> str | None:
        return f"Key ({', '.join(self.columns)}) already exists." if self.columns else None


class ForeignKeyViolated(ConstraintError):
    """A reference to nothing, or a row that is still referred to."""

    code: ClassVar[str] = "MS5002"

    @property
    def message(self) -> str:
        on = f' on table "{self.table}"' if self.table else ""
        which = f' "{self.constraint}"' if self.constraint else ""
        return f"insert, update or delete{on} violates foreign key constraint{which}"


class NotNullViolated(ConstraintError):
    """A null where none may be."""

    code: ClassVar[str] = "MS5003"

    @property
    def message(self) -> str:
        column = self.columns[0] if self.columns else "?"
        return f'null value in column "{column}" of relation "{self.table}" violates not-null constraint'


class CheckViolated(ConstraintError):
    """A row that a check constraint refuses."""

    code: ClassVar[str] = "MS5004"

    @property
    def message(self) -> str:
        return f'new row for relation "{self.table}" violates check constraint "{self.constraint}"'
