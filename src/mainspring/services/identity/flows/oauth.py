"""Signing in through a provider: somebody is sent there, comes back, and is who the provider says.

What comes back is believed only once, only for five minutes, and only from the browser that was sent. A program that began with a
challenge gets a code; the provider's tokens wait for it encrypted, and so does an account that is to be added to one's own: it
is added when the code is exchanged, so that nobody can make others add theirs.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from mainspring.errors import (
    CallbackIncomplete,
    FlowUnknown,
    LinkingDisabled,
    MainspringError,
    NotSingular,
    ProviderRefused,
    StateUnknown,
    shorten,
)
from mainspring.services.identity.accounts import stamp
from mainspring.services.identity.flows.accepting import Accepting
from mainspring.services.identity.flows.linking import Linking
from mainspring.services.identity.flows.verify import Continued
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker, Challenge, Flow, Granted, User, moment, now
from mainspring.services.identity.providers.outline import OURS, Account
from mainspring.services.identity.providers.registry import Providers
from mainspring.services.identity.store import Step

FLOW_SECONDS: Final = 300
METHOD: Final = "oauth"
_RESERVED: Final = OURS | {
    "code",
    "request",
    "request_uri",
    "id_token_hint",
    "provider",
    "redirect_to",
    "invite_token",
    "skip_http_redirect",
    "apikey",
    "access_token",
}
"""What clients cannot say to a provider through us."""


class Leaving(msgspec.Struct, frozen=True):
    """Somebody who wants to go to a provider. `browser` is what theirs is known by; None: it cannot be.

    `invitation` is the token of the link with which they were invited, if they accept that in this way.
    """

    provider: str
    redirect_to: str
    challenge: Challenge | None = None
    said: Mapping[str, str] | None = None
    browser: str | None = None
    linking: User | None = None
    invitation: str = ""


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a sign-in, sealed, until somebody comes back."""

    nonce: str
    verifier: str
    invitation: str = ""


class OAuth(msgspec.Struct, frozen=True):
    """Sign-ins through providers."""

    parts: Parts
    providers: Providers
    linking: Linking
    accepting: Accepting

    async def begin(self, leaving: Leaving) -> str:
        """Where somebody is to go. Raises ProviderUnknown, ProviderFailed, LinkingDisabled, InvitationUnknown."""
        if leaving.linking is not None and not self.parts.auth.manual_linking:
            raise LinkingDisabled
        provider = await self.providers.get(leaving.provider)
        if leaving.invitation:
            await self.accepting.demand(leaving.invitation)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        said = {name: value for name, value in (leaving.said or {}).items() if name.lower() not in _RESERVED}
        if "workos_provider" in said:
            said["provider"] = said.pop("workos_provider")
        address = await (await self.providers.elsewhere()).address(provider, state, nonce, verifier, said)
        flow, kept = str(uuid4()), Kept(nonce, verifier, leaving.invitation if leaving.linking is None else "")
        challenge = leaving.challenge or Challenge("", "")
        row: dict[str, Any] = {
            "id": flow,
            "code_challenge": challenge.text,
            "code_challenge_method": challenge.method,
            "authentication_method": METHOD,
            "state_hash": hashed(state),
            "browser_hash": hashed(leaving.browser) if leaving.browser is not None else None,
            "provider_type": provider.name,
            "referrer": leaving.redirect_to,
            "client_state": self.parts.seal.close(msgspec.json.encode(kept).decode(), f"flow {flow} client_state"),
            "linking_target_id": leaving.linking.id if leaving.linking else None,
            "created_at": stamp(),
        }
        await self.parts.store.do(self.parts.store.flows.insert(row))
        return address

    async def recall(self, state: str, browser: str | None) -> Flow:
        """The sign-in to which somebody comes back, which nobody can come back to again. Raises StateUnknown."""
        flow = await self.parts.store.flows.find(state_hash=hashed(state))
        if flow is None:
            raise StateUnknown
        if now() - moment(flow.created_at) > timedelta(seconds=FLOW_SECONDS):
            raise StateUnknown(expired=True)
        if flow.browser_hash is not None and not hmac.compare_digest(flow.browser_hash, hashed(browser or "")):
            raise StateUnknown
        store = self.parts.store
        used = {"state_hash": None, "client_state": None}
        try:
            await store.do(store.flows.update(used, id=flow.id, state_hash=flow.state_hash))
        except NotSingular:
            raise StateUnknown from None
        return flow

    async def finish(self, flow: Flow, said: Mapping[str, str], asker: Asker) -> Granted | Continued:
        """Sign in who came back with this. Raises what signing in is refused with; the sign-in is over then."""
        try:
            return await self._finish(flow, said, asker)
        except MainspringError:
            await self.parts.store.do(self.parts.store.flows.clear(id=flow.id))
            raise

    async def _finish(self, flow: Flow, said: Mapping[str, str], asker: Asker) -> Granted | Continued:
        if said.get("error"):
            raise ProviderRefused(_printable(said["error"], 100), _printable(said.get("error_description", ""), 500))
        if not said.get("code"):
            raise CallbackIncomplete("authorization code")
        kept = self._kept(flow)
        provider = await self.providers.get(flow.provider_type or "")
        came = await (await self.providers.elsewhere()).came(provider, said, kept.nonce, kept.verifier)
        tokens = {"provider_access_token": came.access_token, "provider_refresh_token": came.refresh_token}
        found = await self.settle(flow, came.account, asker, tokens, kept.invitation)
        if isinstance(found, Continued):
            return found
        return replace(found, provider_token=came.access_token, provider_refresh_token=came.refresh_token)

    def _kept(self, flow: Flow) -> Kept:
        text = self.parts.seal.open(flow.client_state or "", f"flow {flow.id} client_state")
        try:
            return msgspec.json.decode(text or "", type=Kept)
        except msgspec.DecodeError:  # it is no sign-in through a provider
            raise StateUnknown from None

    async def settle(
        self, flow: Flow, account: Account, asker: Asker, tokens: Mapping[str, str], invitation: str = ""
    ) -> Granted | Continued:
        """What a sign-in comes to, now that it is known who came back: a session, or a code for the program that began it."""
        if flow.code_challenge:
            return await self._continued(flow, account, tokens, asker, invitation)

        async def end(user: User) -> tuple[Granted, list[Step]]:
            granted, steps = await self.parts.sessions.begin(user, flow.authentication_method, asker)
            return granted, [*steps, self.parts.store.flows.delete(id=flow.id)]

        granted: Granted = await self._settled(flow, account, asker, end, invitation)
        return granted

    async def arrived(self, account: Account, method: str, asker: Asker) -> Granted:
        """Sign in who comes from elsewhere without having been sent there. Raises what `Linking.enter` does."""

        async def end(user: User) -> tuple[Granted, list[Step]]:
            return await self.parts.sessions.begin(user, method, asker)

        return await self.linking.enter(account, asker, end)

    async def _settled(self, flow: Flow, account: Account, asker: Asker, end: Any, invitation: str) -> Any:
        if flow.linking_target_id is not None:
            return await self.linking.add(flow.linking_target_id, account, asker, end)
        return await self._entered(flow, account, asker, end, invitation)

    async def _entered(self, flow: Flow, account: Account, asker: Asker, end: Any, invitation: str) -> Any:
        if invitation:
            return await self.accepting.accept(invitation, account, asker, end)
        return await self.linking.enter(account, asker, end, flow.referrer or "")

    async def _continued(
        self, flow: Flow, account: Account, tokens: Mapping[str, str], asker: Asker, invitation: str
    ) -> Continued:
        """The sign-in goes on in the program that began it."""
        code, seal, store = str(uuid4()), self.parts.seal, self.parts.store
        kept = {name: seal.close(token, f"flow {flow.id} {name}") for name, token in tokens.items() if token}
        changes = {"auth_code": hashed(code), "auth_code_issued_at": stamp(), **kept}
        if flow.linking_target_id is not None:
            await self.linking.check(flow.linking_target_id, account)
            text = msgspec.json.encode(account).decode()
            changes |= {
                "user_id": flow.linking_target_id,
                "provider_account": seal.close(text, f"flow {flow.id} provider_account"),
            }
            await store.do(store.flows.update(changes, id=flow.id))
            return Continued(code)

        async def end(user: User) -> tuple[Continued, list[Step]]:
            return Continued(code), [store.flows.update({**changes, "user_id": user.id}, id=flow.id)]

        continued: Continued = await self._entered(flow, account, asker, end, invitation)
        return continued

    async def exchanged(self, flow: Flow, user: User, asker: Asker) -> Granted:
        """The session in which a sign-in ends for the program that began it; with the provider's tokens, this once."""
        store, opened = self.parts.store, self._opened(flow)

        async def end(user: User) -> tuple[Granted, list[Step]]:
            granted, steps = await self.parts.sessions.begin(user, flow.authentication_method, asker)
            return granted, [store.flows.delete(id=flow.id, auth_code=flow.auth_code), *steps]

        if flow.linking_target_id is not None:
            account = self.parts.seal.open(flow.provider_account or "", f"flow {flow.id} provider_account")
            if account is None:
                raise FlowUnknown
            granted = await self.linking.add(user.id, msgspec.json.decode(account, type=Account), asker, end)
        else:
            granted, steps = await end(user)
            await self.parts.sessions.told(steps)
        return replace(granted, **opened)

    def _opened(self, flow: Flow) -> dict[str, str]:
        """The provider's tokens that wait in a sign-in."""
        stored = {
            "provider_token": (flow.provider_access_token, "provider_access_token"),
            "provider_refresh_token": (flow.provider_refresh_token, "provider_refresh_token"),
        }
        found = {name: self.parts.seal.open(text, f"flow {flow.id} {column}") for name, (text, column) in stored.items() if text}
        return {name: text for name, text in found.items() if text}


def _printable(text: str, longest: int) -> str:
    return shorten("".join(character for character in text if character.isprintable()), longest)
