"""`mainspring reference PAGE`: the reference pages under docs/, written from the code so that they cannot be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from mainspring import errors
from mainspring.errors import MainspringError, SignInError
from mainspring.query.ops import IS_TESTS, OPERATORS
from mainspring.query.search import CONFIGS
from mainspring.settings import FAMILIES, OPTIONS, Option, Secret, members
from mainspring.surfaces.auth.errors import TABLE as AUTH_TABLE
from mainspring.surfaces.rest.errors import TABLE

_NOTE = "<!-- Written by `mainspring reference {page}`; a test compares. -->"


def reference(page: str) -> int:
    """Print a page. Returns the exit code."""
    print(render(page), end="")
    return 0


def render(page: str) -> str:
    """The Markdown text of a page of `PAGES`."""
    return "\n".join([_NOTE.format(page=page), *PAGES[page]()]) + "\n"


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield "A flag beats the environment, which beats `mainspring.toml` (beside the app, or where the command runs), which beats"
    yield "the default. Mistakes in any of them are all listed at start, and nothing is served."
    yield ""
    yield from _table(("key", "environment", "flag", "default", "what it is"), map(_setting, OPTIONS.values()))
    for family in FAMILIES:
        yield ""
        yield f"There may be several sections `[{family}.NAME]`, one for each name:"
        yield ""
        named = members(family, "NAME").values()
        yield from _table(("key", "environment", "default", "what it is"), ((*row[:2], *row[3:]) for row in map(_setting, named)))


def _setting(option: Option) -> tuple[str, ...]:
    default = option.default
    shown = "" if isinstance(default, Secret) else ",".join(default) if isinstance(default, tuple) else str(default)
    flag = f"`{option.flag}`" if option.flag else ""
    bounds = [f"at least {option.minimum:g}" if option.minimum is not None else ""]
    bounds += [f"at most {option.maximum:g}" if option.maximum is not None else ""]
    bounds += [f"one of {', '.join(option.choices)}" if option.choices else ""]
    told = "; ".join([option.doc, *filter(None, bounds)])
    return f"`{option.key}`", f"`{option.env}`", flag, f"`{shown}`" if shown else "", told


def _errors() -> Iterator[str]:
    leaves = sorted(_leaves(MainspringError), key=attrgetter("code"))
    yield "# Errors"
    yield ""
    yield "Every error has a stable code of Mainspring's own (in logs) and, on the data API, PostgREST's status and code;"
    yield "what has to do with signing in (80xx) has GoTrue's, at `/auth/v1`."
    yield ""
    yield from _table(("code", "name", "when", "status", "on the wire"), map(_error, leaves))


def _leaves(family: type[MainspringError]) -> Iterator[type[MainspringError]]:
    for child in family.__subclasses__():
        if child.__module__.startswith(errors.__name__):
            yield from _leaves(child) if child.__subclasses__() else (child,)


def _error(leaf: type[MainspringError]) -> tuple[str, ...]:
    status, code = (AUTH_TABLE if issubclass(leaf, SignInError) else TABLE).get(leaf, ("", ""))
    told = (leaf.__doc__ or "").splitlines()[0]
    return f"`{leaf.code}`", leaf.__name__, told, str(status), f"`{code}`" if code else ""


def _operators() -> Iterator[str]:
    yield "# Filter operators"
    yield ""
    yield "`column=operator.value`; `not.` before any of them negates it. Text compares by code point, `ilike` folds ASCII"
    yield "letters, a comparison with null is unknown."
    yield ""
    yield from _table(
        ("operator", "value", "on types"),
        ((f"`{each.name}`", each.form.value, ", ".join(sorted(each.kinds))) for each in OPERATORS.values()),
    )
    yield ""
    yield f"`is` takes {', '.join(f'`{test}`' for test in IS_TESTS)}."
    searches = ", ".join(f"`{name}`" for name in ("fts", "plfts", "phfts", "wfts"))
    configs = ", ".join(f"`{name}`" for name in sorted(CONFIGS))
    yield ""
    yield f"{searches} search text and jsonb, with a configuration as in `fts(simple)`: {configs}, on PostgreSQL any other."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


PAGES: dict[str, Callable[[], Iterator[str]]] = {"settings": _settings, "errors": _errors, "operators": _operators}
