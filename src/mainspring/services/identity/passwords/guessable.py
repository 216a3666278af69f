"""Words that everybody here would try: names of the organisation, of what it makes, of its systems."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Words:
    """Words that do not count in a password: it must do without them."""

    def __init__(self, words: Iterable[str]) -> None:
        folded = sorted({word.casefold() for word in words}, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, folded))) if folded else None

    def rest(self, password: str) -> str:
        """The password without the words."""
        return password if self._any is None else self._any.sub("", password.casefold())
