"""The parts of the engine suite; `mainspring.testing.engine_suite` puts them together."""

from __future__ import annotations

import pytest

_PARTS = ("cursors", "door", "groups", "policies", "reads", "scale", "types", "writes")

# Before the parts are imported: failures then show their values.
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))
