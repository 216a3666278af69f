"""The identity service: its parts put together, started and stopped."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from mainspring.backends.counters.base import Counters
from mainspring.backends.mail.base import Mailer
from mainspring.backends.sms.base import Sms
from mainspring.catalog.model import Catalog
from mainspring.observe import KeysUnread, Sink
from mainspring.services.data import Data
from mainspring.services.identity.addresses import Redirects
from mainspring.services.identity.administration import Administration
from mainspring.services.identity.entries import Entries
from mainspring.services.identity.factors.custody import Custody
from mainspring.services.identity.factors.factors import Factors
from mainspring.services.identity.factors.kinds import Kind
from mainspring.services.identity.factors.passkeys import Passkeys
from mainspring.services.identity.factors.phones import Phones
from mainspring.services.identity.factors.recovery import RecoveryCodes
from mainspring.services.identity.factors.relying import RelyingParty
from mainspring.services.identity.factors.security_keys import SecurityKeys
from mainspring.services.identity.factors.totp import Totp
from mainspring.services.identity.flows.accepting import Accepting
from mainspring.services.identity.flows.id_tokens import IdTokens
from mainspring.services.identity.flows.invitations import Invitations
from mainspring.services.identity.flows.linking import Linking
from mainspring.services.identity.flows.mailed import Mailed
from mainspring.services.identity.flows.oauth import OAuth
from mainspring.services.identity.flows.profile import Profile
from mainspring.services.identity.flows.sign_in import SignIn
from mainspring.services.identity.flows.sign_up import SignUp
from mainspring.services.identity.flows.signed_in import SignedIn
from mainspring.services.identity.flows.unlinking import Unlinking
from mainspring.services.identity.flows.verify import Verify
from mainspring.services.identity.hooks import Hooks, NoHooks
from mainspring.services.identity.keys.keys import KeySet
from mainspring.services.identity.keys.scoped_keys import ScopedKeys
from mainspring.services.identity.known import Known
from mainspring.services.identity.messages.codes import Codes
from mainspring.services.identity.messages.messages import Messages
from mainspring.services.identity.messages.texts import Texts
from mainspring.services.identity.messages.wording import Wording
from mainspring.services.identity.oauth_server.oauth_server import OAuthServer, open_oauth_server
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.passwords.passwords import Passwords
from mainspring.services.identity.providers.configured import configured
from mainspring.services.identity.providers.custom_providers import CustomProviders
from mainspring.services.identity.providers.registry import Providers
from mainspring.services.identity.refreshing import Refreshing
from mainspring.services.identity.saml.companies import Companies
from mainspring.services.identity.saml.sign_in import CompanySignIn, open_company_sign_in
from mainspring.services.identity.seal import Seal
from mainspring.services.identity.sessions import Sessions
from mainspring.services.identity.store import Store
from mainspring.services.identity.tokens.refresh import RefreshTokens
from mainspring.services.identity.tokens.revocations import Revocations
from mainspring.services.identity.tokens.tokens import TokenVerifier
from mainspring.services.identity.wallets.sign_in import Wallets, open_wallets
from mainspring.services.identity.watch import Watch
from mainspring.settings import AuthSettings, Settings

PATH = "/auth/v1"


class Identity(msgspec.Struct, frozen=True):
    """Who people are, and how they prove it."""

    parts: Parts
    sign_up: SignUp
    sign_in: SignIn
    mailed: Mailed
    verify: Verify
    profile: Profile
    signed_in: SignedIn
    refreshing: Refreshing
    factors: Factors
    custody: Custody
    recovery_codes: RecoveryCodes
    passkeys: Passkeys
    administration: Administration
    invitations: Invitations
    entries: Entries
    revocations: Revocations
    scoped_keys: ScopedKeys
    watched: Watch
    oauth: OAuthServer
    elsewhere: OAuth
    unlinking: Unlinking
    id_tokens: IdTokens
    wallets: Wallets
    custom_providers: CustomProviders
    companies: Companies
    company_sign_in: CompanySignIn

    @property
    def sessions(self) -> Sessions:
        """What people are signed in with."""
        return self.parts.sessions

    async def start(self) -> None:
        """Learn which tokens are refused and which keys are known, and from now on what other workers change about both."""
        await self.revocations.start()
        await self.scoped_keys.refresh()
        await self.watched.start()

    async def stop(self) -> None:
        """Let what is under way finish."""
        await self.watched.stop()
        await self.revocations.stop()
        await self.parts.messages.stop()
        await self.elsewhere.providers.close()
        await self.parts.counters.close()
        self.parts.passwords.close()


def open_identity(
    settings: Settings,
    data: Data,
    keys: KeySet,
    secret: bytes,
    verifier: TokenVerifier,
    mailer: Mailer,
    sms: Sms,
    counters: Counters,
    observe: Sink,
    hooks: Hooks | None = None,
    catalog: Catalog | None = None,
) -> Identity:
    """The service. `data` reaches our own tables, `secret` is what codes and refresh tokens are made with.

    `catalog` is what there is for keys to be limited to.
    """
    auth, external, hooks = settings.auth, external_url(settings), hooks or NoHooks()
    redirects = Redirects(auth.site_url or external, auth.redirect_urls)
    store = Store(data)
    lifetime = auth.token_seconds + auth.leeway_seconds
    revocations = Revocations(store, verifier, lifetime, auth.revocation_seconds, observe)
    tokens = RefreshTokens(secret)
    sessions = Sessions(store, tokens, keys, revocations, auth, external + PATH, hooks)
    refreshing = Refreshing(sessions, store, tokens, revocations, auth, hooks)
    wording, site = Wording(settings.mail.templates), redirects.site_url
    texts = Texts(sms, settings.sms, counters, wording, site, observe, hooks)
    messages = Messages(mailer, settings.mail, counters, external + PATH, site, observe, wording, texts, hooks)
    parts = Parts(
        auth, settings.sms, store, Passwords(auth), Codes(secret), sessions, messages, redirects, counters, hooks, Seal(secret)
    )
    sign_up = SignUp(parts, secret)
    mailed = Mailed(parts, sign_up)
    scoped_keys = ScopedKeys(store, verifier.roles, catalog)
    verifier.issues(scoped_keys.find)
    profile = Profile(parts, mailed, Known(store, auth.revocation_seconds if settings.server.workers == 1 and data.local else 0))
    linking, providers = Linking(parts), Providers(configured(auth.providers), external + PATH + "/callback", observe)
    oauth, custom = OAuth(parts, providers, linking, Accepting(linking)), CustomProviders(parts, providers)
    providers.find = custom.find
    companies, party = Companies(parts, oauth), RelyingParty(auth, site)
    return Identity(
        parts=parts,
        sign_up=sign_up,
        sign_in=SignIn(parts, oauth),
        mailed=mailed,
        verify=Verify(parts),
        profile=profile,
        signed_in=SignedIn(parts, profile),
        refreshing=refreshing,
        factors=Factors(parts, profile, _kinds(parts, auth, party)),
        custody=Custody(parts, profile),
        recovery_codes=RecoveryCodes(parts, profile, secret),
        passkeys=Passkeys(parts, profile, party),
        administration=Administration(parts, revocations),
        invitations=Invitations(parts),
        entries=Entries(store),
        revocations=revocations,
        scoped_keys=scoped_keys,
        watched=Watch(scoped_keys.refresh, auth.revocation_seconds, lambda error: observe(KeysUnread(error))),
        oauth=open_oauth_server(store, sessions, refreshing, tokens, revocations, keys, external + PATH),
        elsewhere=oauth,
        unlinking=Unlinking(parts, profile),
        id_tokens=IdTokens(parts, providers, linking),
        wallets=open_wallets(parts, linking),
        custom_providers=custom,
        companies=companies,
        company_sign_in=open_company_sign_in(companies, f"{external}{PATH}/sso/saml", keys.folder),
    )


def _kinds(parts: Parts, auth: AuthSettings, party: RelyingParty) -> dict[str, Kind]:
    """The kinds of second factors, by name."""
    kinds: list[Kind] = [
        Totp(parts.seal, auth.mfa_totp, parts.redirects.site_url),
        Phones(parts, auth.mfa_phone),
        SecurityKeys(parts.store, party, auth.mfa_webauthn),
    ]
    return {kind.name: kind for kind in kinds}


def external_url(settings: Settings) -> str:
    """The public address of the server, without a slash at the end."""
    server = settings.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    return (settings.auth.external_url or f"http://{host}:{server.port}").rstrip("/")


def is_private(host: str) -> bool:
    """Whether only this machine can connect to a server that listens there."""
    return host in ("localhost", "::1") or (urlsplit(f"//{host}").hostname or "").startswith("127.")
