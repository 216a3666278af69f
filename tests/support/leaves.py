"""The errors of the product that are no family of others."""

from __future__ import annotations

from collections.abc import Iterator

from mainspring.errors import MainspringError


def leaves(family: type[MainspringError]) -> Iterator[type[MainspringError]]:
    """The leaves below an error, or itself. What tests derive is none of them."""
    below = [each for each in family.__subclasses__() if each.__module__.startswith("mainspring.errors.")]
    if not below:
        yield family
    for each in below:
        yield from leaves(each)
