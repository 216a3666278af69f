"""What `mainspring serve` serves when no app is named: a database as it is."""

from __future__ import annotations

from mainspring.app import Mainspring

app = Mainspring()
