"""Second factors and recovery codes, as their owners use them and as the service key does."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mainspring.errors import FactorUnknown
from mainspring.services.identity.factors.factors import Asked as Challenged
from mainspring.services.identity.factors.factors import Enrolled
from mainspring.services.identity.factors.kinds import Proof, Wish
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, session_of
from mainspring.surfaces.auth.errors import Refused, invalid

_TWO_MINUTES: Final = 120.0


class EnrollBody(msgspec.Struct):
    """POST `/factors`."""

    factor_type: str = ""
    friendly_name: str | None = None
    issuer: str | None = None
    phone: str | None = None


class ChallengeBody(msgspec.Struct):
    """POST `/factors/{id}/challenge`."""

    channel: str | None = None


class Response(msgspec.Struct):
    """What a browser answers in the name of a key."""

    type: str | None = None
    credential_response: dict[str, Any] | None = None


class ProofBody(msgspec.Struct):
    """POST `/factors/{id}/verify` and `/factors/recovery-codes/verify`."""

    challenge_id: str = ""
    code: str | None = None
    webauthn: Response | None = None


class FactorBody(msgspec.Struct):
    """PUT `/admin/users/{id}/factors/{factor}`."""

    friendly_name: str | None = None
    phone: str | None = None


class Factors(Desk, frozen=True):
    """The endpoints of second factors."""

    # ------------------------------------------------------------ one's own

    async def enroll(self, asked: Asked) -> Answer:
        """POST /factors."""
        principal = self.bearer(asked)
        said = parse.body(asked.body, EnrollBody)
        wish = Wish(said.factor_type, said.friendly_name or "", said.issuer or "", said.phone or "")
        return Answer(body=render.json(_enrolled(await self.identity.factors.enroll(principal, wish, asked.asker), said)))

    async def challenge(self, asked: Asked) -> Answer:
        """POST /factors/{id}/challenge."""
        principal = self.bearer(asked)
        await self.bound(asked, "challenge", self.auth.rate_factors, _TWO_MINUTES)
        channel = parse.channel(parse.body(asked.body or b"{}", ChallengeBody).channel)
        found = await self.identity.factors.challenge(principal, _factor(asked), asked.asker, channel)
        return Answer(body=render.json(_challenged(found)))

    async def verify(self, asked: Asked) -> Answer:
        """POST /factors/{id}/verify."""
        principal = self.bearer(asked)
        await self.bound(asked, "factor", self.auth.rate_factors, _TWO_MINUTES)
        said, fid = parse.body(asked.body, ProofBody), _factor(asked)
        if said.webauthn is None and not said.code:
            raise invalid("Code needs to be non-empty")
        response = said.webauthn.credential_response if said.webauthn else None
        try:
            challenge = parse.uuid(said.challenge_id, "challenge_id")
        except Refused:
            raise FactorUnknown(challenge=True) from None
        proof = Proof(said.code or "", response)
        return session_of(await self.identity.factors.verify(principal, fid, challenge, proof, asked.asker))

    async def unenroll(self, asked: Asked) -> Answer:
        """DELETE /factors/{id}."""
        gone = await self.identity.custody.unenroll(self.bearer(asked), _factor(asked), asked.asker)
        return Answer(body=render.json({"id": gone.id}))

    # ------------------------------------------------------------ recovery codes

    async def make_codes(self, asked: Asked) -> Answer:
        """POST /factors/recovery-codes."""
        codes = await self.identity.recovery_codes.make(self.bearer(asked), asked.asker)
        return Answer(body=render.json({"codes": codes}))

    async def codes_left(self, asked: Asked) -> Answer:
        """GET /factors/recovery-codes."""
        return Answer(body=render.json({"left": await self.identity.recovery_codes.left(self.bearer(asked))}))

    async def forget_codes(self, asked: Asked) -> Answer:
        """DELETE /factors/recovery-codes."""
        await self.identity.recovery_codes.forget(self.bearer(asked), asked.asker)
        return Answer(204, b"")

    async def verify_code(self, asked: Asked) -> Answer:
        """POST /factors/recovery-codes/verify."""
        principal = self.bearer(asked)
        await self.bound(asked, "factor", self.auth.rate_factors, _TWO_MINUTES)
        said = parse.body(asked.body, ProofBody)
        if not said.code:
            raise invalid("Code needs to be non-empty")
        return session_of(await self.identity.recovery_codes.verify(principal, said.code, asked.asker))

    # ------------------------------------------------------------ for the service key

    async def list_of(self, asked: Asked) -> Answer:
        """GET /admin/users/{id}/factors."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        return Answer(body=render.json([render.factor(each) for each in user.factors]))

    async def change_of(self, asked: Asked) -> Answer:
        """PUT /admin/users/{id}/factors/{factor}."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        said, fid = parse.body(asked.body or b"{}", FactorBody), _factor(asked, "factor")
        found = next((each for each in user.factors if each.id == fid), None)
        if found is None:
            raise FactorUnknown
        if said.friendly_name or said.phone:
            found = await self.identity.custody.change(user, found, said.friendly_name or "", said.phone or "")
        return Answer(body=render.json(render.factor(found)))

    async def delete_of(self, asked: Asked) -> Answer:
        """DELETE /admin/users/{id}/factors/{factor}."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        return Answer(body=render.json(render.factor(await self.identity.custody.take(user.id, _factor(asked, "factor")))))


def _factor(asked: Asked, name: str = "id") -> str:
    return parse.uuid(asked.named[name], "factor_id")


def _enrolled(found: Enrolled, said: EnrollBody) -> dict[str, Any]:
    factor = found.factor
    told: dict[str, Any] = {"id": factor.id, "type": factor.factor_type, "friendly_name": factor.friendly_name}
    if found.secret is not None:
        told["totp"] = msgspec.to_builtins(found.secret)
    if factor.phone:
        told["phone"] = said.phone
    return told


def _challenged(found: Challenged) -> dict[str, Any]:
    told: dict[str, Any] = {"id": found.id, "type": found.kind, "expires_at": found.expires_at}
    if found.options is not None:
        kind = "create" if found.options.create else "request"
        told["webauthn"] = {"type": kind, "credential_options": {"publicKey": found.options.options}}
    return told
