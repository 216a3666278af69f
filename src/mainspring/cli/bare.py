"""What `mainspring serve` serves when no app is named: an existing database as it is found."""

from __future__ import annotations

from mainspring.app import Mainspring

app = Mainspring()
