"""What a policy function can do wrong. Raised while it runs, gathered by `declare` with its place."""

from __future__ import annotations


class PolicyMistake(Exception):
    """Something a policy cannot say: what is wrong, and how to mend it."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(f"{problem} ({hint})" if hint else problem)
        self.problem, self.hint = problem, hint


class UnknownColumn(PolicyMistake, AttributeError):
    """A column that the row's table does not have."""


class Misuse(PolicyMistake, TypeError):
    """An expression used in a way that cannot work."""
