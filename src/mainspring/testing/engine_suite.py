"""The suite that every engine must pass, Mainspring's own and anybody else's. It knows no engine by name.

    from mainspring.testing.engine_suite import EngineSuite

    class TestMyEngine(EngineSuite):
        def make_engine(self, folder: Path) -> Engine:
            return MyEngine(an_empty_database())

Needs pytest with pytest-asyncio (asyncio_mode = "auto"). What an engine's `capabilities` declare it cannot do is skipped, or must
be refused where a wrong answer would be the alternative.
"""

from __future__ import annotations

from mainspring.testing.suite.computed import ComputedSuite
from mainspring.testing.suite.cursors import CursorsSuite
from mainspring.testing.suite.groups import GroupsSuite, SpreadsSuite
from mainspring.testing.suite.operators import OperatorsSuite
from mainspring.testing.suite.policies import PoliciesSuite
from mainspring.testing.suite.reads import ConditionsSuite, EmbedsSuite, PagesSuite
from mainspring.testing.suite.scale import LifeSuite, ScaleSuite
from mainspring.testing.suite.search import SearchSuite
from mainspring.testing.suite.terms import UndoneSuite, ZonesSuite
from mainspring.testing.suite.together import TogetherSuite
from mainspring.testing.suite.types import TypesSuite
from mainspring.testing.suite.writes import ChangeSuite, ConstraintsSuite, InsertSuite, UpsertSuite

__all__ = ["EngineSuite"]


class EngineSuite(
    TypesSuite,
    ConditionsSuite,
    OperatorsSuite,
    PagesSuite,
    EmbedsSuite,
    SpreadsSuite,
    GroupsSuite,
    CursorsSuite,
    ComputedSuite,
    InsertSuite,
    UpsertSuite,
    ChangeSuite,
    ConstraintsSuite,
    TogetherSuite,
    PoliciesSuite,
    UndoneSuite,
    ZonesSuite,
    SearchSuite,
    ScaleSuite,
    LifeSuite,
):
    """Every test of the suite. Subclass it, name the subclass `Test...`, and say how the engine is made."""
