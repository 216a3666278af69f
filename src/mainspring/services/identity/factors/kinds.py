"""The contract of second factors: what each kind of them does by itself. `factors` does what all have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from mainspring.services.identity.accounts import Row
from mainspring.services.identity.factors.proofs import FactorChallenge
from mainspring.services.identity.people import Factor, User


class Wish(msgspec.Struct, frozen=True):
    """What somebody wants to enroll."""

    kind: str
    name: str = ""
    issuer: str = ""
    phone: str = ""


class Proof(msgspec.Struct, frozen=True):
    """What somebody answers to a challenge: a code, or what a key has signed."""

    code: str = ""
    response: Mapping[str, Any] | None = None


class Secret(msgspec.Struct, frozen=True):
    """What an authenticator app is given: as text, as an address, and drawn. Shown once."""

    secret: str
    uri: str
    qr_code: str


class Options(msgspec.Struct, frozen=True):
    """What a browser is asked to do with a key: create one or (`create` False) answer with one."""

    create: bool
    options: Mapping[str, Any]


class Question(msgspec.Struct, frozen=True):
    """A challenge: what its row holds besides, what is shown, and what sends what is not, once the row is stored."""

    row: Row
    options: Options | None = None
    deliver: Callable[[], Awaitable[None]] | None = None


class Kind(Protocol):
    """A kind of second factors. `guessable`: a proof is so short that it could be guessed."""

    name: str
    guessable: bool

    def on(self, action: str) -> bool:
        """Whether people may enroll such factors, or verify those they have."""
        ...

    async def begin(self, user: User, factor: str, wish: Wish) -> tuple[Row, Secret | None]:
        """What the row of a new factor with the id `factor` holds besides, and what is shown."""
        ...

    async def ask(self, user: User, factor: Factor, challenge: str, channel: str) -> Question:
        """A new challenge with the id `challenge`; a text goes by `channel`."""
        ...

    async def check(self, user: User, factor: Factor, challenge: FactorChallenge, proof: Proof) -> Row:
        """What becomes of the factor, `counter` always included. Raises ProofInvalid."""
        ...
