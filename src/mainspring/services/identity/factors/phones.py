"""Phones as second factors: a code by text message for each challenge."""

from __future__ import annotations

import hmac

from mainspring.errors import BodyInvalid, FactorExists, ProofInvalid
from mainspring.services.identity.accounts import Row
from mainspring.services.identity.addresses import PHONE, SMS, Address
from mainspring.services.identity.factors.kinds import Proof, Question, Wish
from mainspring.services.identity.factors.proofs import FactorChallenge
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Factor, User


class Phones:
    """The kind of factors. `mode` is the setting."""

    name = "phone"
    guessable = True

    def __init__(self, parts: Parts, mode: str) -> None:
        self._parts, self._mode = parts, mode

    def on(self, action: str) -> bool:
        return self._mode == "on" or (self._mode == "verify" and action == "verify")

    async def begin(self, user: User, factor: str, wish: Wish) -> tuple[Row, None]:
        if not wish.phone:
            raise BodyInvalid("Phone number required to enroll Phone factor")
        if any(each.verified and each.phone == wish.phone for each in user.factors):
            raise FactorExists
        return {"phone": wish.phone}, None

    async def ask(self, user: User, factor: Factor, challenge: str, channel: str) -> Question:
        address, texts = Address(PHONE, factor.phone or "", channel or SMS), self._parts.messages.texts
        await texts.reserve(address)
        code = self._parts.codes.make(address.text, _purpose(challenge), self._parts.sms.code_length, known=texts.known(address))

        async def deliver() -> None:
            await texts.send("factor", address, user, code)

        return Question({"otp_code": code.stored}, deliver=deliver)

    async def check(self, user: User, factor: Factor, challenge: FactorChallenge, proof: Proof) -> Row:
        fitting = self._parts.codes.candidates(factor.phone or "", _purpose(challenge.id), proof.code.strip())
        if not any(hmac.compare_digest(each, challenge.otp_code or "") for each in fitting):
            raise ProofInvalid(self.name)
        return {"counter": factor.counter}


def _purpose(challenge: str) -> str:
    return f"factor {challenge}"
