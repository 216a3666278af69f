"""Keys and devices as second factors (WebAuthn). The first challenge makes the key, the others are signed by it."""

from __future__ import annotations

from typing import Any

import msgspec

from mainspring.errors import BodyInvalid, CeremonyFailed
from mainspring.services.identity.accounts import Row
from mainspring.services.identity.factors.kinds import Options, Proof, Question, Wish
from mainspring.services.identity.factors.proofs import FactorChallenge
from mainspring.services.identity.factors.relying import Key, RelyingParty, new_challenge
from mainspring.services.identity.people import Factor, User
from mainspring.services.identity.store import Store


class SecurityKeys:
    """The kind of factors. `mode` is the setting."""

    name = "webauthn"
    guessable = False

    def __init__(self, store: Store, site: RelyingParty, mode: str) -> None:
        self._store, self._site, self._mode = store, site, mode

    def on(self, action: str) -> bool:
        return self._site.available and (self._mode == "on" or (self._mode == "verify" and action == "verify"))

    async def begin(self, user: User, factor: str, wish: Wish) -> tuple[Row, None]:
        return {}, None

    async def ask(self, user: User, factor: Factor, challenge: str, channel: str) -> Question:
        text = new_challenge()
        key = _key(factor)
        if key is not None:
            options = Options(False, self._site.request(text, [key]))
        else:
            others = await self._store.factors.all(user_id=user.id, factor_type=self.name)
            known = [each for each in map(_key, others) if each is not None]
            options = Options(True, self._site.creation(user, text, known, resident=False))
        return Question({"web_authn_session_data": {"challenge": text, "create": options.create}}, options)

    async def check(self, user: User, factor: Factor, challenge: FactorChallenge, proof: Proof) -> Row:
        if proof.response is None:
            raise BodyInvalid("WebAuthn config required")
        asked: dict[str, Any] = challenge.web_authn_session_data or {}
        key = _key(factor)
        if asked["create"] is not (key is None):  # the key has been made since: a second one cannot take its place
            raise CeremonyFailed
        if key is not None:
            return {"counter": await self._site.asserted(proof.response, asked["challenge"], key, user.id)}
        made = await self._site.created(proof.response, asked["challenge"])
        return {
            "counter": made.sign_count,
            "web_authn_credential": msgspec.to_builtins(made),
            "web_authn_aaguid": made.aaguid,
        }


def _key(factor: Factor) -> Key | None:
    """The key of a factor; one that was never verified has none."""
    if factor.web_authn_credential is None:
        return None
    return msgspec.convert({**factor.web_authn_credential, "sign_count": factor.counter}, Key)
