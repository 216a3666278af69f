"""A company's sign-on (SAML) and its invitations."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import shorten
from mainspring.errors.sign_in.base import SignInError


class SsoDisabled(SignInError):
    """Signing in through companies (SAML) is switched off."""

    code: ClassVar[str] = "MS8030"

    @property
    def message(self) -> str:
        return "SAML 2.0 is disabled"


class SsoProviderUnknown(SignInError):
    """No company with this id or domain; `off`: it is switched off; `unasked`: it is what sends somebody here."""

    code: ClassVar[str] = "MS8031"
    off: bool = False
    unasked: bool = False

    @property
    def message(self) -> str:
        if self.unasked:
            return "A SAML connection has not been established with this Identity Provider"
        return "SSO Provider is currently disabled" if self.off else "No such SSO provider"


class SsoProviderTaken(SignInError):
    """A company, or one of its domains, is known already; `what` is which."""

    code: ClassVar[str] = "MS8032"
    what: str
    domain: bool = False

    @property
    def message(self) -> str:
        if self.domain:
            return f"SSO Domain '{shorten(self.what, 200)}' is already assigned to an SSO identity provider"
        return f"SAML Identity Provider with this EntityID ({shorten(self.what, 200)}) already exists"


class AssertionInvalid(SignInError):
    """What a company says of somebody proves nothing; `reason` says why."""

    code: ClassVar[str] = "MS8033"
    reason: str

    @property
    def message(self) -> str:
        return f"SAML Assertion is not valid: {self.reason}"


class AssertionSilent(SignInError):
    """A company does not say who somebody is (`what`: id), or at which address (email)."""

    code: ClassVar[str] = "MS8034"
    what: str

    @property
    def message(self) -> str:
        if self.what == "email":
            return "SAML Assertion does not contain an email address"
        return "SAML Assertion did not contain a persistent identifier of this user"


class RelayStateUnknown(SignInError):
    """A company sends back somebody who was not sent there, or too long ago."""

    code: ClassVar[str] = "MS8035"

    @property
    def message(self) -> str:
        return "SAML RelayState does not exist, try logging in again?"


class ManagedElsewhere(SignInError):
    """What somebody wants changed of themselves, their company decides."""

    code: ClassVar[str] = "MS8036"

    @property
    def message(self) -> str:
        return "Updating email, phone, password of a SSO account only possible via SSO"


class InvitationUnknown(SignInError):
    """No such invitation, or it was accepted or is too old; `begun`: there was when somebody went to a provider with it."""

    code: ClassVar[str] = "MS8037"
    begun: bool = True

    @property
    def message(self) -> str:
        return "Invite not found" if self.begun else "User identified by token not found"


class InvitationForAnother(SignInError):
    """Somebody accepts an invitation with an account elsewhere that has another address."""

    code: ClassVar[str] = "MS8038"

    @property
    def message(self) -> str:
        return "Invited email does not match emails from external provider"
