"""People sign in to other programs with their account here (OAuth 2.1, OpenID Connect): the parts put together."""

from __future__ import annotations

import msgspec

from mainspring.services.identity.keys.keys import KeySet
from mainspring.services.identity.oauth_server.clients import Clients
from mainspring.services.identity.oauth_server.grants import Grants
from mainspring.services.identity.oauth_server.introspection import Introspection
from mainspring.services.identity.oauth_server.tokens import OAuthTokens
from mainspring.services.identity.refreshing import Refreshing
from mainspring.services.identity.sessions import Sessions
from mainspring.services.identity.store import Store
from mainspring.services.identity.tokens.refresh import RefreshTokens
from mainspring.services.identity.tokens.revocations import Revocations


class OAuthServer(msgspec.Struct, frozen=True):
    """The programs, what people allow them, and the tokens that these are given. `issuer` is who signs."""

    clients: Clients
    grants: Grants
    tokens: OAuthTokens
    introspection: Introspection
    issuer: str


def open_oauth_server(
    store: Store,
    sessions: Sessions,
    refreshing: Refreshing,
    refresh_tokens: RefreshTokens,
    revocations: Revocations,
    keys: KeySet,
    issuer: str,
) -> OAuthServer:
    """The parts."""
    clients = Clients(store, revocations)
    grants = Grants(store, clients, sessions, revocations)
    tokens = OAuthTokens(store, grants, sessions, refreshing, revocations, keys, issuer)
    return OAuthServer(clients, grants, tokens, Introspection(store, sessions, refresh_tokens), issuer)
