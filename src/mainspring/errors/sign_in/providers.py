"""Identity providers elsewhere, wallets among them, and the identities that they vouch for."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import shorten
from mainspring.errors.sign_in.base import SignInError


class ProviderUnknown(SignInError):
    """Nobody can sign in through a provider of this name."""

    code: ClassVar[str] = "MS8080"
    name: str

    @property
    def message(self) -> str:
        return f"Unsupported provider: Provider {shorten(self.name, 63)} could not be found"


class ProviderDisabled(SignInError):
    """This provider is not switched on."""

    code: ClassVar[str] = "MS8081"
    name: str

    @property
    def message(self) -> str:
        return f'Provider (issuer "{shorten(self.name, 200)}") is not enabled'


class ProviderFailed(SignInError):
    """A provider did not answer, or not as it should; `reason` says how and holds no secret."""

    code: ClassVar[str] = "MS8082"
    name: str
    reason: str

    @property
    def message(self) -> str:
        return f"The provider {shorten(self.name, 63)} could not be used: {self.reason}"


class ProviderRefused(SignInError):
    """A provider sent somebody back without signing them in; `error` and `description` are its own words."""

    code: ClassVar[str] = "MS8083"
    error: str
    description: str

    @property
    def message(self) -> str:
        return self.description or self.error


class StateUnknown(SignInError):
    """A provider sent somebody back to a sign-in that never began, is over, or began elsewhere."""

    code: ClassVar[str] = "MS8084"
    expired: bool = False

    @property
    def message(self) -> str:
        return "OAuth state has expired" if self.expired else "OAuth state not found or expired"


class CallbackIncomplete(SignInError):
    """A provider sent somebody back without saying what it must."""

    code: ClassVar[str] = "MS8085"
    what: str

    @property
    def message(self) -> str:
        return f"OAuth {self.what} missing"


class IdTokenInvalid(SignInError):
    """An ID token that proves nothing; `reason` says why."""

    code: ClassVar[str] = "MS8086"
    reason: str = "Bad ID token"
    nonce: bool = False

    @property
    def message(self) -> str:
        return self.reason


class AddressMissing(SignInError):
    """A provider tells no e-mail address of somebody."""

    code: ClassVar[str] = "MS8087"

    @property
    def message(self) -> str:
        return "Error getting user email from external provider"


class AddressUnverified(SignInError):
    """A provider does not say that an address is theirs who signs in."""

    code: ClassVar[str] = "MS8088"
    provider: str

    @property
    def message(self) -> str:
        name = self.provider
        return f"Unverified email with {name}. A confirmation email has been sent to your {name} email"


class IdentityTaken(SignInError):
    """An account elsewhere belongs to somebody already; `other`: to somebody else."""

    code: ClassVar[str] = "MS8089"
    other: bool = False

    @property
    def message(self) -> str:
        return f"Identity is already linked{' to another user' if self.other else ''}"


class IdentityUnknown(SignInError):
    """Somebody has no such identity."""

    code: ClassVar[str] = "MS8090"

    @property
    def message(self) -> str:
        return "Identity doesn't exist"


class IdentityLast(SignInError):
    """The last way in which somebody signs in cannot be taken off."""

    code: ClassVar[str] = "MS8091"

    @property
    def message(self) -> str:
        return "User must have at least 1 identity after unlinking"


class IdentityNeeded(SignInError):
    """Without this identity somebody would have the address of somebody else."""

    code: ClassVar[str] = "MS8092"

    @property
    def message(self) -> str:
        return "Unable to unlink identity due to email conflict"


class LinkingDisabled(SignInError):
    """Adding and taking off accounts elsewhere is switched off."""

    code: ClassVar[str] = "MS8093"

    @property
    def message(self) -> str:
        return "Manual linking is disabled"


class WalletDisabled(SignInError):
    """Signing in with a wallet of this chain (or of any) is switched off."""

    code: ClassVar[str] = "MS8094"
    chain: str = ""

    @property
    def message(self) -> str:
        return f"{self.chain.capitalize()} Web3 provider is disabled".lstrip()


class WalletRefused(SignInError):
    """A message that a wallet has signed, but not for this place, or not for now."""

    code: ClassVar[str] = "MS8095"
    reason: str

    @property
    def message(self) -> str:
        return self.reason


class WalletMessageInvalid(SignInError):
    """What should be a message that a wallet has signed is none."""

    code: ClassVar[str] = "MS8096"
    reason: str

    @property
    def message(self) -> str:
        return self.reason


class CustomProviderUnknown(SignInError):
    """The service key has added no provider of this name."""

    code: ClassVar[str] = "MS8097"

    @property
    def message(self) -> str:
        return "Custom OAuth provider not found"


class CustomProviderTaken(SignInError):
    """The service key has added a provider of this name before."""

    code: ClassVar[str] = "MS8098"

    @property
    def message(self) -> str:
        return "A custom OAuth provider with this identifier already exists"


class CustomProvidersFull(SignInError):
    """The service key has added as many providers as there may be."""

    code: ClassVar[str] = "MS8099"

    @property
    def message(self) -> str:
        return "Maximum number of custom OAuth/OIDC providers reached"
