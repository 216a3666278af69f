"""Second factors: enrolling and proving them. What each kind does by itself is its own module's."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from mainspring.datatypes import format_utc
from mainspring.errors import (
    BodyInvalid,
    CeremonyFailed,
    ChallengeElsewhere,
    ChallengeExpired,
    Contended,
    FactorDisabled,
    FactorNameTaken,
    FactorUnknown,
    NotSingular,
    ProofInvalid,
    TooManyFactors,
    UniqueViolated,
)
from mainspring.principal import Principal
from mainspring.services.identity import addresses
from mainspring.services.identity.accounts import Row, change, logged, stamp
from mainspring.services.identity.factors.assurance import (
    CHALLENGE,
    LONGEST_NAME,
    METHODS,
    demand,
    guess,
    person,
    raised,
    right,
)
from mainspring.services.identity.factors.kinds import Kind, Options, Proof, Secret, Wish
from mainspring.services.identity.factors.proofs import FactorChallenge
from mainspring.services.identity.flows.profile import Profile
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.passwords.attempts import factor_tried
from mainspring.services.identity.people import UNVERIFIED, VERIFIED, Asker, Factor, Granted, Session, User, moment, now


class Enrolled(msgspec.Struct, frozen=True):
    """A new factor, and what is shown of it once."""

    factor: Factor
    secret: Secret | None


class Asked(msgspec.Struct, frozen=True):
    """A challenge: until when (seconds since 1970) it can be answered, and what a browser is asked to do."""

    id: str
    kind: str
    expires_at: int
    options: Options | None


class Factors(msgspec.Struct, frozen=True):
    """Second factors, as their owners enroll and prove them."""

    parts: Parts
    profile: Profile
    kinds: Mapping[str, Kind]

    async def enroll(self, principal: Principal, wish: Wish, asker: Asker) -> Enrolled:
        """A new factor, which counts once it is verified.

        Raises BodyInvalid, AddressInvalid, FactorDisabled, FactorExists, FactorNameTaken, TooManyFactors, AssuranceTooLow.
        """
        if wish.kind not in METHODS:
            raise BodyInvalid("factor_type needs to be totp, phone, or webauthn")
        kind = self._kind(wish.kind, "enroll")
        if wish.phone:
            wish = replace(wish, phone=addresses.phone(wish.phone))
        for _ in range(ATTEMPTS):
            user, session = await person(self.profile, principal)
            expired = self._demand_room(user, session, wish)
            row: Row = {
                "id": str(uuid4()),
                "user_id": user.id,
                "friendly_name": wish.name,
                "factor_type": kind.name,
                "status": UNVERIFIED,
                "created_at": stamp(),
                "updated_at": stamp(),
            }
            more, secret = await kind.begin(user, row["id"], wish)
            store = self.parts.store
            steps = [store.factors.clear_any("id", expired)] if expired else []
            steps += [store.factors.insert({**row, **more}), change(store, user, {})]
            noted = logged(
                store, "factor_in_progress", asker, user.id, user.email or user.phone, factor_id=row["id"], factor_type=kind.name
            )
            try:
                await store.do(*steps, noted)
            except NotSingular:  # something else about the user has changed meanwhile: perhaps another factor
                continue
            except UniqueViolated:
                raise FactorNameTaken(wish.name) from None
            return Enrolled(Factor(**{**row, **more}), secret)
        raise Contended

    def _demand_room(self, user: User, session: Session, wish: Wish) -> list[str]:
        """The ids of factors that give way (they were not verified in time, or the same phone again), when there is room."""
        if len(wish.name) > LONGEST_NAME:
            raise BodyInvalid(f"friendly_name must be {LONGEST_NAME} characters or less")
        demand(user, session, "enroll")
        gone = [
            each.id for each in user.factors if _lapsed(each) or (not each.verified and each.phone and each.phone == wish.phone)
        ]
        left = [factor for factor in user.factors if factor.id not in gone]
        if any(factor.friendly_name == wish.name for factor in left):
            raise FactorNameTaken(wish.name)
        if len(left) >= self.parts.auth.factors_max:
            raise TooManyFactors
        return gone

    async def challenge(self, principal: Principal, fid: str, asker: Asker, channel: str = "") -> Asked:
        """Ask a factor something; a phone by `channel`.

        Raises FactorUnknown, FactorDisabled, AssuranceTooLow, SentTooSoon, MessageUndelivered.
        """
        user, session = await person(self.profile, principal)
        factor = await self._own(user, session, fid)
        kind = self._kind(factor.factor_type, "verify")
        store, at = self.parts.store, now()
        row: Row = {"id": str(uuid4()), "factor_id": factor.id, "ip_address": asker.ip, "created_at": format_utc(at)}
        question = await kind.ask(user, factor, row["id"], channel)
        told = {"factor_id": factor.id, "factor_status": factor.status}
        try:
            await store.do(
                store.challenges.older("created_at", format_utc(at - CHALLENGE), factor_id=factor.id),
                store.factors.update({"last_challenged_at": format_utc(at)}, id=factor.id),
                store.challenges.insert({**row, **question.row}),
                logged(store, "challenge_created", asker, user.id, user.email or user.phone, **told),
            )
        except NotSingular:
            raise FactorUnknown from None
        if question.deliver is not None:
            await question.deliver()
        return Asked(row["id"], kind.name, int((at + CHALLENGE).timestamp()), question.options)

    async def verify(self, principal: Principal, fid: str, challenge: str, proof: Proof, asker: Asker) -> Granted:
        """The session at aal2, for the right answer to a challenge; the first one makes the factor count.

        Raises FactorUnknown, FactorDisabled, ChallengeElsewhere, ChallengeExpired, ProofInvalid, TooManyRequests.
        """
        user, session = await person(self.profile, principal)
        factor = await self._own(user, session, fid)
        kind = self._kind(factor.factor_type, "verify")
        if kind.guessable:
            await guess(self.parts, f"factor {user.id}", asker)
        for _ in range(ATTEMPTS):
            asked = await self._asked(factor, challenge, asker)
            changes = await self._checked(kind, user, factor, asked, proof, asker)
            if kind.guessable:
                await right(self.parts, f"factor {user.id}", asker)
            try:
                granted = await self._prove(kind, user, session, factor, asked, changes, asker)
            except NotSingular:  # the session has gone on, or somebody else has answered
                user, session = await person(self.profile, principal)
                factor = await self._own(user, session, fid)
                continue
            again = await self.parts.store.users.find(id=user.id)
            return granted if again is None else replace(granted, user=again)
        raise Contended

    async def _asked(self, factor: Factor, challenge: str, asker: Asker) -> FactorChallenge:
        found = await self.parts.store.challenges.find(id=challenge, factor_id=factor.id)
        if found is None:
            raise FactorUnknown(challenge=True)
        if found.ip_address != asker.ip:
            raise ChallengeElsewhere
        if now() - moment(found.created_at) > CHALLENGE:
            raise ChallengeExpired(found.id)
        return found

    async def _checked(self, kind: Kind, user: User, factor: Factor, asked: FactorChallenge, proof: Proof, asker: Asker) -> Row:
        """What becomes of the factor; the application is told of the try, and may refuse more."""
        try:
            changes = await kind.check(user, factor, asked, proof)
        except (ProofInvalid, CeremonyFailed):
            await factor_tried(self.parts, user.id, factor.id, kind.name, False, asker)
            raise
        await factor_tried(self.parts, user.id, factor.id, kind.name, True, asker)
        return changes

    async def _prove(
        self, kind: Kind, user: User, session: Session, factor: Factor, asked: FactorChallenge, changes: Row, asker: Asker
    ) -> Granted:
        store = self.parts.store
        seen = {"id": factor.id, "status": factor.status, "counter": factor.counter}
        steps = [
            store.challenges.delete(id=asked.id),
            store.factors.update({**changes, "status": VERIFIED, "updated_at": stamp()}, **seen),
            store.factors.clear(user_id=user.id, factor_type=kind.name, status=UNVERIFIED, but=factor.id),
        ]
        if not factor.verified:  # whoever enrolls another one at this moment has to think again
            steps.append(change(store, user, {}))
        granted, more = await raised(self.parts, user, session, METHODS[kind.name], factor.id)
        told = {"factor_id": factor.id, "challenge_id": asked.id, "factor_type": kind.name}
        noted = logged(store, "verification_attempted", asker, user.id, user.email or user.phone, **told)
        await self.parts.sessions.told([*steps, *more, noted])
        return granted

    async def _own(self, user: User, session: Session, fid: str) -> Factor:
        """A factor of the user's. One that was never verified is verified by who may enroll it, and in time."""
        factor = await self.parts.store.factors.find(id=fid, user_id=user.id)
        if factor is None or _lapsed(factor):
            raise FactorUnknown
        if not factor.verified:
            demand(user, session, "enroll")
        return factor

    def _kind(self, name: str, action: str) -> Kind:
        kind = self.kinds.get(name)
        if kind is None or not kind.on(action):
            raise FactorDisabled(name, action)
        return kind


def _lapsed(factor: Factor) -> bool:
    """Whether a factor was not verified in time."""
    return not factor.verified and now() - moment(factor.created_at) > CHALLENGE
