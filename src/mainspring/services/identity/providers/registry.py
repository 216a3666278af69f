"""The providers by their names, and what asks them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from mainspring.errors import ProviderUnknown
from mainspring.observe import Sink, discard
from mainspring.services.identity.providers.outline import Provider

if TYPE_CHECKING:
    from mainspring.services.identity.providers.elsewhere import Elsewhere

PREFIX: Final = "custom:"
Find = Callable[[str], Awaitable[Provider | None]]


class Providers:
    """Those that are configured. `callback` is where they send people back."""

    def __init__(self, configured: Mapping[str, Provider], callback: str, observe: Sink = discard) -> None:
        self._configured, self.callback, self._observe = configured, callback, observe
        self._elsewhere: Elsewhere | None = None
        self.find: Find | None = None
        """Finds those that were added while the server ran."""

    @property
    def names(self) -> frozenset[str]:
        """The names of those in the settings."""
        return frozenset(self._configured)

    async def get(self, name: str) -> Provider:
        """The provider of a name. Raises ProviderUnknown."""
        name = name.lower()
        found = await self.find(name) if name.startswith(PREFIX) and self.find else self._configured.get(name)
        if found is None:
            raise ProviderUnknown(name)
        return found

    def of_issuer(self, issuer: str) -> str:
        """The name of the provider that is this issuer; empty where there is none."""
        found = (name for name, each in self._configured.items() if issuer in (each.outline.issuer, *each.outline.issuers))
        return next(found, "") if issuer else ""

    async def elsewhere(self) -> Elsewhere:
        """What asks providers; its libraries are imported when the first one is asked, on a thread, for that takes a while."""
        if self._elsewhere is None:
            made = (await asyncio.to_thread(_asking))(self.callback, self._observe)
            self._elsewhere = self._elsewhere or made
        return self._elsewhere

    async def close(self) -> None:
        """Hang up."""
        if self._elsewhere is not None:
            await self._elsewhere.close()


def _asking() -> type[Elsewhere]:
    from mainspring.services.identity.providers.elsewhere import Elsewhere

    return Elsewhere
