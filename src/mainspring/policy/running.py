"""Running what an application declares: its functions run once, at start, and what they do wrong is gathered with its place."""

from __future__ import annotations

import dis
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, TracebackType
from typing import Any, TypeVar

from mainspring.catalog.model import Table
from mainspring.errors import Mistake
from mainspring.policy.language import Names
from mainspring.policy.mistakes import PolicyMistake

Rule = Callable[..., object]
T = TypeVar("T")
_IDENTITY = re.compile(r"^IS_OP$|IF_(NOT_)?NONE$")


@dataclass(slots=True)
class Running:
    """Turns what was said into what is meant, gathering mistakes instead of stopping at the first."""

    names: Names
    mistakes: list[Mistake] = field(default_factory=list)

    def run(self, function: Rule, build: Callable[[], T], what: str) -> T | None:
        """What `build` makes by running `function`, a `what`; None when that is a mistake."""
        source = function_place(function)
        if inspect.iscoroutinefunction(function):
            self.mistake(source, f"a {what} cannot be async: it runs once, at start")
            return None
        if _asks_identity(getattr(function, "__code__", None)):
            hint = "write .is_null() or .is_not_null(); == None works too"
            self.mistake(source, "`is` cannot look into a policy expression", hint)
            return None
        try:
            return build()
        except PolicyMistake as mistake:
            self.mistake(_raised_at(function, mistake.__traceback__) or source, mistake.problem, mistake.hint)
        except Exception as error:
            place = _raised_at(function, error.__traceback__) or source
            self.mistake(place, f"the {what} raised {type(error).__name__}: {error}")
        return None

    def table(self, model: object, source: str) -> Table | None:
        """The table of `model`; None when that is a mistake."""
        try:
            return self.names.table(model)
        except PolicyMistake as mistake:
            self.mistake(source, mistake.problem, mistake.hint)
            return None

    def mistake(self, source: str, problem: str, hint: str | None = None) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(source, problem, hint))


def function_place(function: Any) -> str:
    """Where a function begins."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)


def _asks_identity(code: object) -> bool:
    """Whether the code uses `is`. Python answers that itself, so `me.uid is not None` would let everybody in."""
    if not isinstance(code, CodeType):
        return False
    names = (instruction.opname for instruction in dis.get_instructions(code))
    return any(_IDENTITY.search(name) for name in names) or any(map(_asks_identity, code.co_consts))


def _raised_at(function: Any, traceback: TracebackType | None) -> str | None:
    """The last line of the function's own file that ran before the error."""
    code = getattr(function, "__code__", None)
    place = None
    while traceback is not None and code is not None:
        if traceback.tb_frame.f_code.co_filename == code.co_filename:
            place = f"{code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def caller_place() -> str:
    """The line of the application that is being run, beyond Mainspring's own frames."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == "mainspring":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
