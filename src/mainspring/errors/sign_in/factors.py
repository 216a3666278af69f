"""Second factors, passkeys and the ceremonies that prove them."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import shorten
from mainspring.errors.sign_in.base import SignInError


class AssuranceTooLow(SignInError):
    """Whoever has a second factor must have proved it in this session, for this `purpose`."""

    code: ClassVar[str] = "MS8071"
    purpose: str

    @property
    def message(self) -> str:
        return {
            "update": "AAL2 session is required to update email or password when MFA is enabled.",
            "enroll": "AAL2 required to enroll a new factor",
            "unenroll": "AAL2 required to unenroll verified factor",
            "passkeys": "AAL2 session is required to manage passkeys when MFA is enabled",
            "recovery": "AAL2 required to manage recovery codes",
            "identities": "AAL2 session is required to link or unlink identities when MFA is enabled",
        }[self.purpose]


class FactorUnknown(SignInError):
    """The user has no such factor, or (`challenge`) the factor was not asked this."""

    code: ClassVar[str] = "MS8072"
    challenge: bool = False

    @property
    def message(self) -> str:
        return "MFA factor with the provided challenge ID not found" if self.challenge else "Factor not found"


class FactorNameTaken(SignInError):
    """The user has a factor of that name."""

    code: ClassVar[str] = "MS8073"
    name: str

    @property
    def message(self) -> str:
        return f'A factor with the friendly name "{shorten(self.name)}" for this user already exists'


class TooManyFactors(SignInError):
    """The user has as many factors as anybody may."""

    code: ClassVar[str] = "MS8074"

    @property
    def message(self) -> str:
        return "Maximum number of verified factors reached, unenroll to continue"


class FactorExists(SignInError):
    """The phone is a factor of the user's."""

    code: ClassVar[str] = "MS8079"

    @property
    def message(self) -> str:
        return "A verified phone factor already exists, unenroll the existing factor to continue"


class FactorDisabled(SignInError):
    """Factors of this kind are switched off. `action` is enroll or verify."""

    code: ClassVar[str] = "MS8075"
    kind: str
    action: str

    @property
    def message(self) -> str:
        name = {"totp": "TOTP", "phone": "Phone", "webauthn": "WebAuthn"}[self.kind]
        return f"MFA {'enroll' if self.action == 'enroll' else 'verification'} is disabled for {name}"


class ChallengeElsewhere(SignInError):
    """The challenge was asked for from another address."""

    code: ClassVar[str] = "MS8076"

    @property
    def message(self) -> str:
        return "Challenge and verify IP addresses mismatch."


class ChallengeExpired(SignInError):
    """The challenge of a factor is too old."""

    code: ClassVar[str] = "MS8077"
    challenge: str

    @property
    def message(self) -> str:
        told = "verify against another challenge or create a new challenge."
        return f"MFA challenge {self.challenge} has expired, {told}"


class ProofInvalid(SignInError):
    """A factor's answer is wrong, or has been used."""

    code: ClassVar[str] = "MS8078"
    kind: str

    @property
    def message(self) -> str:
        return {
            "totp": "Invalid TOTP code entered",
            "phone": "Invalid MFA Phone code entered",
            "recovery": "Invalid recovery code entered",
        }[self.kind]


class PasskeysDisabled(SignInError):
    """Passkeys are switched off, or the library for them is not installed."""

    code: ClassVar[str] = "MS8050"

    @property
    def message(self) -> str:
        return "Passkeys are disabled"


class PasskeyUnknown(SignInError):
    """The user has no such passkey."""

    code: ClassVar[str] = "MS8051"

    @property
    def message(self) -> str:
        return "Passkey not found"


class TooManyPasskeys(SignInError):
    """The user has as many passkeys as anybody may."""

    code: ClassVar[str] = "MS8052"

    @property
    def message(self) -> str:
        return "Maximum number of passkeys reached"


class PasskeyTaken(SignInError):
    """The key is registered."""

    code: ClassVar[str] = "MS8053"

    @property
    def message(self) -> str:
        return "This credential is already registered"


class CeremonyUnknown(SignInError):
    """What a passkey signed was never asked for, or has been used."""

    code: ClassVar[str] = "MS8054"

    @property
    def message(self) -> str:
        return "Challenge not found or already used"


class CeremonyExpired(SignInError):
    """What a passkey signed was asked for too long ago."""

    code: ClassVar[str] = "MS8055"

    @property
    def message(self) -> str:
        return "Challenge has expired"


class CeremonyFailed(SignInError):
    """What a passkey answered is not what was asked for, not from where it was asked, or not signed by the key."""

    code: ClassVar[str] = "MS8056"

    @property
    def message(self) -> str:
        return "Credential verification failed"
