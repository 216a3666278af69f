"""Signing in: with a password, or with the code in which a link ended."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from datetime import timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from mainspring.errors import (
    AddressInvalid,
    AddressUnconfirmed,
    Contended,
    CredentialsInvalid,
    FlowExpired,
    FlowUnknown,
    NotSingular,
    UserBanned,
    VerifierInvalid,
)
from mainspring.services.identity.accounts import logged, stamp
from mainspring.services.identity.addresses import Address
from mainspring.services.identity.flows.oauth import OAuth
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.passwords.attempts import password_tried
from mainspring.services.identity.passwords.pretence import GRAIN
from mainspring.services.identity.people import Asker, Flow, Granted, User, moment, now

FLOW_SECONDS: Final = 300


class SignIn(msgspec.Struct, frozen=True):
    """How people come back."""

    parts: Parts
    oauth: OAuth

    async def with_password(self, address: Address, password: str, asker: Asker) -> Granted:
        """A session for who knows the password. Known and unknown addresses cost the same and are answered alike.

        Raises MethodDisabled, CredentialsInvalid, TooManyRequests, AddressUnconfirmed, UserBanned.
        """
        self.parts.demand(address.kind, "logins")
        try:
            address = address.proper()
        except AddressInvalid:
            address = Address(address.kind, "")
        account = f"password {address.text}"
        await self.parts.guess(account, asker)
        begun = time.monotonic()
        for _ in range(ATTEMPTS):
            user = await self.parts.store.users.find(**{address.kind: address.text})
            kept = user.encrypted_password if user is not None and user.deleted_at is None else None
            valid = await self.parts.passwords.check(password, kept or None)
            if user is not None and kept:
                await password_tried(self.parts, user.id, valid, asker)
            if not valid or user is None or not kept:
                await asyncio.sleep((begun - time.monotonic()) % GRAIN)
                raise CredentialsInvalid
            await self.parts.right(account, asker)
            if user.banned(now()):
                raise UserBanned
            if not user.has_confirmed(address.kind):
                raise AddressUnconfirmed(address.kind)
            try:
                granted = await self._begin(user, address, kept, asker)
            except NotSingular:  # the password has been changed meanwhile
                continue
            await self._renew(user, password, kept)
            weak = await self.parts.passwords.weakness(password)
            return granted if weak is None else replace(granted, weak_password=weak.reasons)
        raise Contended

    async def _begin(self, user: User, address: Address, kept: str, asker: Asker) -> Granted:
        store, at = self.parts.store, stamp()
        granted, steps = await self.parts.sessions.begin(replace(user, last_sign_in_at=at), "password", asker)
        seen = store.users.update({"last_sign_in_at": at}, id=user.id, encrypted_password=kept)
        noted = logged(store, "login", asker, user.id, address.text, provider=address.kind)
        await self.parts.sessions.told([seen, *steps, noted])
        return granted

    async def _renew(self, user: User, password: str, kept: str) -> None:
        """Hash the password as passwords are hashed now, where it was hashed otherwise."""
        if not self.parts.passwords.outdated(kept):
            return
        hashed = await self.parts.passwords.hash(password)
        try:
            await self.parts.store.do(
                self.parts.store.users.update({"encrypted_password": hashed}, id=user.id, encrypted_password=kept)
            )
        except NotSingular:
            return  # it has been changed meanwhile

    async def with_code(self, code: str, verifier: str, asker: Asker) -> Granted:
        """A session for the program that began a sign-in with a challenge. The code serves once.

        Raises FlowUnknown, FlowExpired, VerifierInvalid, UserBanned.
        """
        for _ in range(ATTEMPTS):
            flow = await self.parts.store.flows.find(auth_code=hashed(code))
            if flow is None:
                raise FlowUnknown
            try:
                return await self._exchange(flow, verifier, asker)
            except NotSingular:  # somebody else was first, or the user has been changed meanwhile
                continue
        raise Contended

    async def _exchange(self, flow: Flow, verifier: str, asker: Asker) -> Granted:
        store = self.parts.store
        if flow.auth_code_issued_at is None or flow.user_id is None:
            raise FlowUnknown
        if now() - moment(flow.auth_code_issued_at) > timedelta(seconds=FLOW_SECONDS):
            raise FlowExpired
        if not fits(verifier, flow.code_challenge, flow.code_challenge_method):
            raise VerifierInvalid
        user = await store.users.find(id=flow.user_id)
        if user is None:
            raise FlowUnknown
        if user.banned(now()):
            raise UserBanned
        if flow.provider_type is not None:
            return await self.oauth.exchanged(flow, user, asker)
        granted, steps = await self.parts.sessions.begin(user, flow.authentication_method, asker)
        noted = logged(store, "login", asker, user.id, user.email)
        await self.parts.sessions.told([store.flows.delete(id=flow.id), *steps, noted])
        return granted


def fits(verifier: str, challenge: str, method: str) -> bool:
    """Whether a verifier is that of a challenge."""
    if method == "s256":
        verifier = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(verifier.encode(), challenge.encode())
