"""Who may sign up or in, and with which address and password."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.sign_in.base import SignInError


class CredentialsInvalid(SignInError):
    """Address and password do not belong together."""

    code: ClassVar[str] = "MS8001"

    @property
    def message(self) -> str:
        return "Invalid login credentials"


class AddressUnconfirmed(SignInError):
    """The address has not been confirmed yet."""

    code: ClassVar[str] = "MS8002"
    kind: str = "email"

    @property
    def message(self) -> str:
        return f"{self.kind.capitalize()} not confirmed"


class UserBanned(SignInError):
    """The user may not sign in for a while."""

    code: ClassVar[str] = "MS8003"

    @property
    def message(self) -> str:
        return "User is banned"


class SignupDisabled(SignInError):
    """Nobody new may sign up; `by_code`: not by asking for a code either."""

    code: ClassVar[str] = "MS8004"
    by_code: bool = False

    @property
    def message(self) -> str:
        return "Signups not allowed for otp" if self.by_code else "Signups not allowed for this instance"


class MethodDisabled(SignInError):
    """This way of signing in (email, phone, anonymous) is switched off."""

    code: ClassVar[str] = "MS8005"
    method: str
    what: str = "signups"

    @property
    def message(self) -> str:
        if self.method == "anonymous":
            return "Anonymous sign-ins are disabled"
        return f"{self.method.capitalize()} {self.what} are disabled"


class PasswordWeak(SignInError):
    """A password that is too easily guessed. `reasons`: length, characters, pwned."""

    code: ClassVar[str] = "MS8006"
    reasons: tuple[str, ...]
    text: str

    @property
    def message(self) -> str:
        return self.text


class PasswordSame(SignInError):
    """The new password is the old one."""

    code: ClassVar[str] = "MS8007"

    @property
    def message(self) -> str:
        return "New password should be different from the old password."


class UserExists(SignInError):
    """Somebody has signed up with this address."""

    code: ClassVar[str] = "MS8008"

    @property
    def message(self) -> str:
        return "User already registered"


class AddressTaken(SignInError):
    """The address is another user's."""

    code: ClassVar[str] = "MS8009"
    kind: str = "email"

    @property
    def message(self) -> str:
        return f"A user with this {'email address' if self.kind == 'email' else 'phone number'} has already been registered"


class AddressInvalid(SignInError):
    """What should be an e-mail address or a phone number is none."""

    code: ClassVar[str] = "MS8010"
    kind: str = "email"

    @property
    def message(self) -> str:
        if self.kind == "phone":
            return "Invalid phone number format (E.164 required)"
        return "Unable to validate email address: invalid format"


class CurrentPasswordWrong(SignInError):
    """The password may be changed only by who knows it. `given`: it was wrong, not missing."""

    code: ClassVar[str] = "MS8018"
    given: bool

    @property
    def message(self) -> str:
        return "Current password is incorrect" if self.given else "Current password is required"


class ReauthenticationNeeded(SignInError):
    """The password may be changed only with a code that was just sent."""

    code: ClassVar[str] = "MS8016"

    @property
    def message(self) -> str:
        return "Password update requires reauthentication"


class ReauthenticationInvalid(SignInError):
    """The code that was to prove who changes the password does not."""

    code: ClassVar[str] = "MS8017"

    @property
    def message(self) -> str:
        return "Nonce has expired or is invalid"


class AnonymousRefused(SignInError):
    """Nobody knows who this is; only people who can sign in again have factors."""

    code: ClassVar[str] = "MS8070"

    @property
    def message(self) -> str:
        return "Anonymous user not allowed to perform these actions"


class UserUnknown(SignInError):
    """No such user. `claimed`: a token says there is."""

    code: ClassVar[str] = "MS8024"
    claimed: bool = False

    @property
    def message(self) -> str:
        return "User from sub claim in JWT does not exist" if self.claimed else "User not found"


class AdministratorRequired(SignInError):
    """Only the service key may."""

    code: ClassVar[str] = "MS8022"

    @property
    def message(self) -> str:
        return "User not allowed"


class FeatureDisabled(SignInError):
    """A part of the auth service that is switched off."""

    code: ClassVar[str] = "MS8061"
    what: str

    @property
    def message(self) -> str:
        return f"{self.what} is disabled"


class ApiKeyUnknown(SignInError):
    """No such API key."""

    code: ClassVar[str] = "MS8060"

    @property
    def message(self) -> str:
        return "API key not found"
