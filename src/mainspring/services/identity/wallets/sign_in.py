"""Signing in with a wallet: a text signed for this place, lately, by the key of the address it names. It serves once."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

import msgspec

from mainspring.errors import ConfigError, Mistake, UniqueViolated, WalletDisabled, WalletRefused
from mainspring.services.identity.accounts import stamp
from mainspring.services.identity.addresses import is_loopback
from mainspring.services.identity.flows.linking import Linking
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker, Granted, User, now
from mainspring.services.identity.providers.outline import Account
from mainspring.services.identity.store import Step
from mainspring.services.identity.wallets import solana
from mainspring.services.identity.wallets.message import Message, read

ETHEREUM, SOLANA = "ethereum", "solana"
PROVIDER: Final = "web3"


class Wallets(msgspec.Struct, frozen=True):
    """Sign-ins with wallets."""

    parts: Parts
    linking: Linking

    def demand(self, chain: str = "") -> None:
        """Return when people may sign in with a wallet (of a chain). Raises WalletDisabled."""
        auth = self.parts.auth
        on = {ETHEREUM: auth.web3_ethereum, SOLANA: auth.web3_solana}
        if not (on[chain] if chain else any(on.values())):
            raise WalletDisabled(chain)

    async def sign_in(self, chain: str, text: str, signature: str, asker: Asker) -> Granted:
        """A session for whose wallet signed a text.

        Raises WalletDisabled, WalletMessageInvalid, WalletRefused, SignupDisabled, UserBanned.
        """
        self.demand(chain)
        message = read(text, chain.capitalize())
        address = await asyncio.to_thread(_signer, chain, message, signature)
        if address is None:
            raise WalletRefused("Signature does not match address in message")
        self._check_place(chain, message)
        self._check_time(chain, message)
        await self._spend(chain, message)
        said = {
            "address": address,
            "chain": chain,
            "network": message.chain_id,
            "domain": message.domain,
            "statement": message.statement[:200],
        }
        account = Account(PROVIDER, f"{PROVIDER}:{chain}:{address}", claims={"custom_claims": said}, email_optional=True)

        async def end(user: User) -> tuple[Granted, list[Step]]:
            return await self.parts.sessions.begin(user, PROVIDER, asker)

        return await self.linking.enter(account, asker, end)

    def _check_place(self, chain: str, message: Message) -> None:
        """Return when the text was signed for a page of ours. Raises WalletRefused."""
        kind, parts = f"Signed {chain.capitalize()} message is using", urlsplit(message.uri)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise WalletRefused(f"{kind} URI which does not use HTTPS")
        if not self.parts.redirects.allows(message.uri):
            raise WalletRefused(f"{kind} URI which is not allowed on this server, message was signed for another app")
        if parts.netloc.lower() != message.domain.lower():
            raise WalletRefused(f"{kind} a Domain that does not match the one in URI which is not allowed on this server")

    def _check_time(self, chain: str, message: Message) -> None:
        """Return when the text holds now. Raises WalletRefused."""
        at, longest, name = now(), timedelta(seconds=self.parts.auth.web3_seconds), chain.capitalize()
        leeway = timedelta(seconds=self.parts.auth.leeway_seconds)
        if message.not_before is not None and at + leeway < message.not_before:
            raise WalletRefused(f"Signed {name} message becomes valid in the future")
        if message.expires_at is not None and at > message.expires_at:
            raise WalletRefused(f"Signed {name} message is expired")
        if at - message.issued_at > longest:
            raise WalletRefused(f"{name} message was issued too long ago")
        if message.issued_at - at > longest:
            raise WalletRefused(f"{name} message was issued too far in the future")

    async def _spend(self, chain: str, message: Message) -> None:
        """Use the text up. Raises WalletRefused when somebody has done so before."""
        hashed = hashlib.sha256(f"{chain} {message.text}".encode()).hexdigest()
        try:
            await self.parts.store.do(self.parts.store.spent.insert({"message_hash": hashed, "created_at": stamp()}))
        except UniqueViolated:
            raise WalletRefused(f"Signed {chain.capitalize()} message has been used already") from None


def _signer(chain: str, message: Message, signature: str) -> str | None:
    """The address whose key signed the text, if that is the one it names. Raises WalletMessageInvalid."""
    if chain == SOLANA:
        solana.check_form(message.address, message.chain_id)
        return solana.signer(message.text, message.domain, message.address, signature)
    from mainspring.services.identity.wallets import ethereum

    ethereum.check_form(message.address, message.chain_id)
    return ethereum.signer(message.text, message.address, signature)


def open_wallets(parts: Parts, linking: Linking) -> Wallets:
    """Sign-ins with wallets. Raises ConfigError where their libraries are missing."""
    if parts.auth.web3_ethereum and not (find_spec("coincurve") and find_spec("Crypto")):
        hint = "install it: pip install 'mainspring[web3]'"
        raise ConfigError([Mistake("auth.web3_ethereum", "needs the extra web3", hint)])
    return Wallets(parts, linking)
