"""How many cases were run, told at the end of the session, whether the tests ran in this process or in several."""

from __future__ import annotations

import pytest

from tests.property.cases import DECLINED, ENGINES, RUN


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process that runs a part of the tests hands over what it has counted."""
    handed: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed["counted"] = list(ENGINES), dict(RUN), dict(DECLINED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Add up what such processes have counted; one that was killed has handed over nothing."""
    engines, run, declined = getattr(node, "workeroutput", {}).get("counted", ((), {}, {}))
    ENGINES.update(dict.fromkeys(engines))
    RUN.update(run)
    DECLINED.update(declined)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases were run."""
    if not RUN:
        return
    terminalreporter.write_line(f"engines: {', '.join(ENGINES)}")
    parts = ", ".join(f"{what} {number}" for what, number in sorted(RUN.items()))
    terminalreporter.write_line(f"property cases run: {sum(RUN.values())} ({parts})")
    if DECLINED:
        said = ", ".join(f"{what} {number}" for what, number in sorted(DECLINED.items()))
        terminalreporter.write_line(f"declined by an engine that declares so, not compared: {said}")
