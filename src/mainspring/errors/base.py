"""Base of every error, and what their texts share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, dataclass_transform

_REQUIRED: Final = object()


@dataclass_transform(eq_default=False)
class MainspringError(Exception):
    """Base of all. `code` is stable; `message`, `details` and `hint` are for people.

    The annotated names of a leaf are its facts, given by place or by name as to a dataclass, which takes far longer to make.
    """

    code: ClassVar[str] = "MS0000"
    _facts: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        said = {name: cls.__dict__.get(name, _REQUIRED) for name, kind in cls.__annotations__.items() if "ClassVar" not in kind}
        cls._facts = {**cls._facts, **said}
        cls.__match_args__ = tuple(cls._facts)  # type: ignore[attr-defined,misc]  # what a case may name by place

    def __init__(self, *given: Any, **named: Any) -> None:
        facts = self._facts
        values = {**facts, **dict(zip(facts, given, strict=False)), **named}
        if len(given) > len(facts) or values.keys() != facts.keys() or _REQUIRED in values.values():
            raise TypeError(f"{type(self).__name__} takes {', '.join(facts) or 'nothing'}")
        self.__dict__.update(values)
        super().__init__(self.message)

    def facts(self) -> dict[str, Any]:
        """What it knows, by name."""
        return {name: getattr(self, name) for name in self._facts}

    @property
    def message(self) -> str:
        """What went wrong, in one sentence."""
        return "Something went wrong"

    @property
    def details(self) -> str | None:
        """More facts, where there are any."""
        return None

    @property
    def hint(self) -> str | None:
        """How to mend it, where that is known."""
        return None


class Worded:
    """Said in the words of somebody else: a leaf whose facts `text`, `more` and `cure` are its message, details and hint."""

    text: str
    more: str | None
    cure: str | None

    @property
    def message(self) -> str:
        return self.text

    @property
    def details(self) -> str | None:
        return self.more

    @property
    def hint(self) -> str | None:
        return self.cure


def shorten(text: str, limit: int = 200) -> str:
    """`text`, cut to `limit` characters, so that an error never echoes a megabyte."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
