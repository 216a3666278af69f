"""Signing in with a proof that a program brings along: an ID token, or a message that a wallet has signed."""

from __future__ import annotations

from typing import Final

from mainspring.errors import IdTokenInvalid
from mainspring.http.headers import find
from mainspring.services.identity.flows.id_tokens import Shown
from mainspring.services.identity.people import User
from mainspring.surfaces.auth import parse
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, session_of
from mainspring.surfaces.auth.errors import Refused

PROOFS: Final = frozenset({"id_token", "web3"})
_CHAINS: Final = frozenset({"ethereum", "solana"})


class Proofs(Desk, frozen=True):
    """POST /token with what proves somebody."""

    async def token(self, asked: Asked) -> Answer:
        """A session."""
        if asked.query.get("grant_type") == "web3":
            return await self._by_wallet(asked)
        return await self._by_id_token(asked)

    async def _by_id_token(self, asked: Asked) -> Answer:
        said = parse.body(asked.body, parse.IdTokenBody)
        if not said.id_token:
            raise IdTokenInvalid("id_token required")
        if not said.provider and not (said.client_id and said.issuer):
            raise IdTokenInvalid("provider or client_id and issuer required")
        shown = Shown(said.id_token, said.access_token or "", said.nonce or "", said.provider or "", said.issuer or "")
        to = await self._whose(asked) if said.link_identity else None
        return session_of(await self.identity.id_tokens.sign_in(shown, asked.asker, to))

    async def _whose(self, asked: Asked) -> User:
        if not find(asked.headers, b"authorization"):
            raise IdTokenInvalid("Linking requires a valid user access token in Authorization")
        return await self.identity.unlinking.owner(self.bearer(asked))

    async def _by_wallet(self, asked: Asked) -> Answer:
        await self.bound(asked, "web3", self.auth.rate_verify)
        self.identity.wallets.demand()
        said = parse.body(asked.body, parse.WalletBody)
        if said.chain not in _CHAINS:
            raise Refused(400, "web3_unsupported_chain", "Unsupported chain")
        found = await self.identity.wallets.sign_in(said.chain, said.message or "", said.signature or "", asked.asker)
        return session_of(found)
