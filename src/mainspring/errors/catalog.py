"""20xx: what was asked about does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mainspring.errors.base import MainspringError, shorten


class CatalogError(MainspringError):
    """A name that the catalog (as this caller may see it) does not hold."""

    code: ClassVar[str] = "MS2000"


class TableUnknown(CatalogError):
    """No such table."""

    code: ClassVar[str] = "MS2001"
    schema: str
    table: str
    suggestion: str | None = None

    @property
    def message(self) -> str:
        return f"Could not find the table '{self.schema}.{shorten(self.table)}' in the schema cache"

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant the table '{self.schema}.{self.suggestion}'" if self.suggestion else None


class ColumnUnknown(CatalogError):
    """No such column. `writing` tells whether it was named as a target of a write."""

    code: ClassVar[str] = "MS2002"
    table: str
    column: str
    suggestion: str | None = None
    writing: bool = False

    @property
    def message(self) -> str:
        if self.writing:
            return f"Could not find the '{shorten(self.column)}' column of '{self.table}' in the schema cache"
        return f"column {self.table}.{shorten(self.column)} does not exist"

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant the column '{self.suggestion}'" if self.suggestion else None


class RelationUnknown(CatalogError):
    """No foreign key joins the two."""

    code: ClassVar[str] = "MS2003"
    schema: str
    source: str
    target: str
    using: str | None = None
    suggestion: str | None = None

    @property
    def message(self) -> str:
        return f"Could not find a relationship between '{self.source}' and '{shorten(self.target)}' in the schema cache"

    @property
    def details(self) -> str | None:
        using = f" using the hint '{shorten(self.using)}'" if self.using else ""
        return (
            f"Searched for a foreign key relationship between '{self.source}' and '{shorten(self.target)}'"
            f"{using} in the schema '{self.schema}', but no matches were found."
        )

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant '{self.suggestion}' instead of '{shorten(self.target)}'." if self.suggestion else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several relations that fit."""

    cardinality: str
    relationship: str
    embedding: str
    hint: str


class RelationAmbiguous(CatalogError):
    """More than one relation joins the two."""

    code: ClassVar[str] = "MS2004"
    source: str
    target: str
    candidates: tuple[Candidate, ...] = ()

    @property
    def message(self) -> str:
        return f"Could not embed because more than one relationship was found for '{self.source}' and '{self.target}'"

    @property
    def hint(self) -> str | None:
        options = ", ".join(f"'{candidate.hint}'" for candidate in self.candidates)
        return (
            f"Try changing '{self.target}' to one of the following: {options}. "
            "Find the desired relationship in the 'details' key."
        )


class RoutineUnknown(CatalogError):
    """No such function, or none that takes these arguments.

    `arguments` are the names given (None: none were looked at), `unnamed` the type of the one unnamed parameter that would also
    have done, `suggestion` what was perhaps meant.
    """

    code: ClassVar[str] = "MS2005"
    schema: str
    routine: str
    suggestion: str | None = None
    arguments: tuple[str, ...] = ()
    unnamed: str | None = None
    only_unnamed: bool = False

    @property
    def _name(self) -> str:
        return f"{self.schema}.{shorten(self.routine)}"

    @property
    def message(self) -> str:
        if self.only_unnamed:
            return f"Could not find the function {self._name} in the schema cache"
        given = ", ".join(map(shorten, self.arguments))
        return f"Could not find the function {self._name}{f'({given})' if given else ' without parameters'} in the schema cache"

    @property
    def details(self) -> str | None:
        named = f" with parameter{'s' if len(self.arguments) > 1 else ''} {', '.join(map(shorten, self.arguments))}"
        named = named if self.arguments else " without parameters"
        unnamed = f" with a single unnamed {self.unnamed} parameter" if self.unnamed else ""
        how = unnamed if self.only_unnamed else named + (f" or{unnamed}" if unnamed else "")
        return f"Searched for the function {self._name}{how}, but no matches were found in the schema cache."

    @property
    def hint(self) -> str | None:
        return f"Perhaps you meant to call the function {self.suggestion}" if self.suggestion else None


class RoutineAmbiguous(CatalogError):
    """Several overloads of a function take the arguments given."""

    code: ClassVar[str] = "MS2008"
    candidates: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"Could not choose the best candidate function between: {', '.join(self.candidates)}"

    @property
    def hint(self) -> str | None:
        return "Try renaming the parameters or the function itself in the database so function overloading can be resolved"


class ConflictTargetUnknown(CatalogError):
    """The conflict columns are no unique key of the table."""

    code: ClassVar[str] = "MS2006"
    columns: tuple[str, ...]

    @property
    def message(self) -> str:
        return "there is no unique or exclusion constraint matching the ON CONFLICT specification"


class ColumnGenerated(CatalogError):
    """A column that the database computes, named as a target of a write."""

    code: ClassVar[str] = "MS2007"
    table: str
    column: str

    @property
    def message(self) -> str:
        return f'cannot insert a non-DEFAULT value into column "{self.column}"'

    @property
    def details(self) -> str | None:
        return f'Column "{self.column}" is a generated column.'
