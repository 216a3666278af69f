"""90xx: the process must not start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mainspring.errors.base import MainspringError


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with the configuration: where it was said, what is wrong, how to mend it."""

    source: str
    problem: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.source}: {self.problem}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(MainspringError):
    """The process must not start; every mistake found is listed."""

    code: ClassVar[str] = "MS9000"
    mistakes: Sequence[Mistake] = ()

    @property
    def message(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)
