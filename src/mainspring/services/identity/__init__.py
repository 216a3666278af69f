"""Who is who: signing keys and the tokens signed with them. Knows no header, path or status."""

from __future__ import annotations
