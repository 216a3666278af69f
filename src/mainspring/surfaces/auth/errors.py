"""The table: leaf of `mainspring.errors` -> (status, wire code), and the two bodies GoTrue gives an error."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from mainspring import errors
from mainspring.errors import MainspringError
from mainspring.http.headers import JSON, Header

Answer = tuple[int, list[Header], bytes]
VERSION: Final = "2024-01-01"
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d\Z")


class Refused(MainspringError):
    """What only this wire can refuse: an error of GoTrue's own, with its status and code."""

    code: ClassVar[str] = "MS8000"
    status: int
    wire: str
    text: str

    @property
    def message(self) -> str:
        return self.text


def invalid(text: str) -> Refused:
    """A request that says too little, too much or nonsense."""
    return Refused(400, "validation_failed", text)


TABLE: Final[Mapping[type[MainspringError], tuple[int, str]]] = {
    errors.CredentialsInvalid: (400, "invalid_credentials"),
    errors.AddressUnconfirmed: (400, "email_not_confirmed"),
    errors.UserBanned: (403, "user_banned"),
    errors.SignupDisabled: (422, "signup_disabled"),
    errors.MethodDisabled: (400, "email_provider_disabled"),
    errors.PasswordWeak: (422, "weak_password"),
    errors.PasswordSame: (422, "same_password"),
    errors.UserExists: (422, "user_already_exists"),
    errors.AddressTaken: (422, "email_exists"),
    errors.AddressInvalid: (400, "validation_failed"),
    errors.RefreshTokenUnknown: (400, "refresh_token_not_found"),
    errors.RefreshTokenReused: (400, "refresh_token_already_used"),
    errors.SessionUnknown: (403, "session_not_found"),
    errors.SessionExpired: (400, "session_expired"),
    errors.CodeInvalid: (403, "otp_expired"),
    errors.ReauthenticationNeeded: (400, "reauthentication_needed"),
    errors.ReauthenticationInvalid: (422, "reauthentication_not_valid"),
    errors.CurrentPasswordWrong: (400, "current_password_required"),
    errors.TooManyRequests: (429, "over_request_rate_limit"),
    errors.SentTooSoon: (429, "over_email_send_rate_limit"),
    errors.BearerMissing: (401, "no_authorization"),
    errors.AdministratorRequired: (403, "not_admin"),
    errors.SubjectMissing: (403, "bad_jwt"),
    errors.UserUnknown: (404, "user_not_found"),
    errors.ApiKeyUnknown: (404, "api_key_not_found"),
    errors.FeatureDisabled: (404, "feature_disabled"),
    errors.ClientUnknown: (404, "oauth_client_not_found"),
    errors.ClientMismatch: (400, "invalid_credentials"),
    errors.AuthorizationUnknown: (404, "oauth_authorization_not_found"),
    errors.AuthorizationUsed: (400, "validation_failed"),
    errors.ConsentUnknown: (404, "oauth_consent_not_found"),
    errors.GrantInvalid: (400, "validation_failed"),
    errors.ScopeInvalid: (400, "validation_failed"),
    errors.ProgramRefused: (403, "no_authorization"),
    errors.FlowUnknown: (404, "flow_state_not_found"),
    errors.FlowExpired: (422, "flow_state_expired"),
    errors.VerifierInvalid: (400, "bad_code_verifier"),
    errors.HookTimedOut: (422, "hook_timeout"),
    errors.HookAnswerTooLarge: (422, "hook_payload_over_size_limit"),
    errors.HookAnswerNotJson: (400, "hook_payload_invalid_content_type"),
    errors.HookFailed: (500, "unexpected_failure"),
    errors.VerificationRejected: (400, "invalid_credentials"),
    errors.CaptchaFailed: (400, "captcha_failed"),
    errors.CaptchaUnchecked: (500, "unexpected_failure"),
    errors.Contended: (409, "conflict"),
    errors.AnonymousRefused: (403, "no_authorization"),
    errors.AssuranceTooLow: (403, "insufficient_aal"),
    errors.FactorUnknown: (404, "mfa_factor_not_found"),
    errors.FactorNameTaken: (422, "mfa_factor_name_conflict"),
    errors.FactorExists: (422, "mfa_verified_factor_exists"),
    errors.TooManyFactors: (422, "too_many_enrolled_mfa_factors"),
    errors.FactorDisabled: (422, "mfa_totp_verify_not_enabled"),
    errors.ChallengeElsewhere: (422, "mfa_ip_address_mismatch"),
    errors.ChallengeExpired: (422, "mfa_challenge_expired"),
    errors.ProofInvalid: (422, "mfa_verification_failed"),
    errors.PasskeysDisabled: (404, "passkey_disabled"),
    errors.PasskeyUnknown: (404, "validation_failed"),
    errors.TooManyPasskeys: (422, "too_many_passkeys"),
    errors.PasskeyTaken: (422, "webauthn_credential_exists"),
    errors.CeremonyUnknown: (400, "webauthn_challenge_not_found"),
    errors.CeremonyExpired: (400, "webauthn_challenge_expired"),
    errors.CeremonyFailed: (400, "webauthn_verification_failed"),
    errors.MessageUndelivered: (500, "unexpected_failure"),
    errors.SsoDisabled: (404, "saml_provider_disabled"),
    errors.SsoProviderUnknown: (404, "sso_provider_not_found"),
    errors.SsoProviderTaken: (422, "saml_idp_already_exists"),
    errors.AssertionInvalid: (400, "validation_failed"),
    errors.AssertionSilent: (400, "saml_assertion_no_user_id"),
    errors.RelayStateUnknown: (404, "saml_relay_state_not_found"),
    errors.ManagedElsewhere: (422, "user_sso_managed"),
    errors.InvitationUnknown: (404, "invite_not_found"),
    errors.InvitationForAnother: (400, "validation_failed"),
    errors.ProviderUnknown: (400, "validation_failed"),
    errors.ProviderDisabled: (400, "provider_disabled"),
    errors.ProviderFailed: (502, "unexpected_failure"),
    errors.ProviderRefused: (400, "bad_oauth_callback"),
    errors.StateUnknown: (400, "bad_oauth_state"),
    errors.CallbackIncomplete: (400, "bad_oauth_callback"),
    errors.IdTokenInvalid: (400, "invalid_grant"),
    errors.AddressMissing: (422, "email_address_not_provided"),
    errors.AddressUnverified: (422, "provider_email_needs_verification"),
    errors.IdentityTaken: (422, "identity_already_exists"),
    errors.IdentityUnknown: (422, "identity_not_found"),
    errors.IdentityLast: (422, "single_identity_not_deletable"),
    errors.IdentityNeeded: (422, "email_conflict_identity_not_deletable"),
    errors.LinkingDisabled: (404, "manual_linking_disabled"),
    errors.WalletDisabled: (422, "web3_provider_disabled"),
    errors.WalletRefused: (400, "invalid_grant"),
    errors.WalletMessageInvalid: (400, "validation_failed"),
    errors.CustomProviderUnknown: (404, "custom_provider_not_found"),
    errors.CustomProviderTaken: (400, "conflict"),
    errors.CustomProvidersFull: (400, "over_custom_provider_quota"),
    errors.ForeignKeyViolated: (409, "conflict"),
    errors.UniqueViolated: (409, "conflict"),
    errors.EngineUnavailable: (503, "unexpected_failure"),
    errors.Busy: (503, "unexpected_failure"),
    errors.TimedOut: (504, "request_timeout"),
}
_UNEXPECTED: Final = "Unexpected failure, please check server logs for more information"
_TOKEN: Final = "invalid JWT: unable to parse or verify signature, "


def wire(error: MainspringError) -> tuple[int, str, str]:
    """The status, code and message of an error."""
    match error:
        case Refused(status, code, text):
            return status, code, text
        case errors.AddressUnconfirmed("phone"):
            return 400, "phone_not_confirmed", error.message
        case errors.SignupDisabled(by_code=True):
            return 422, "otp_disabled", error.message
        case errors.MethodDisabled(method):
            return (422 if method == "anonymous" else 400), f"{method}_provider_disabled", error.message
        case errors.Refusal():
            return error.status, "unexpected_failure" if error.status == 500 else "unknown", error.message
        case errors.HookTimedOut(retried=True):
            return 422, "hook_timeout_after_retry", error.message
        case errors.VerificationRejected(factor=True):
            return 403, "mfa_verification_rejected", error.message
        case errors.SessionUnknown(refreshing=True):
            return 400, "session_not_found", error.message
        case errors.CurrentPasswordWrong(given=True):
            return 400, "current_password_invalid", error.message
        case errors.TooManyRequests("sms") | errors.SentTooSoon(what="sms"):
            return 429, "over_sms_send_rate_limit", error.message
        case errors.MessageUndelivered(what="sms"):
            return 422, "sms_send_failed", error.message
        case errors.AddressTaken("phone"):
            return 422, "phone_exists", error.message
        case errors.TooManyRequests("email"):
            return 429, "over_email_send_rate_limit", error.message
        case errors.SsoProviderUnknown(off=True):
            return 404, "sso_provider_disabled", error.message
        case errors.SsoProviderUnknown(unasked=True):
            return 404, "saml_idp_not_found", error.message
        case errors.SsoProviderTaken(domain=True):
            return 400, "sso_domain_already_exists", error.message
        case errors.AssertionSilent("email"):
            return 400, "saml_assertion_no_email", error.message
        case errors.InvitationUnknown(begun=False):
            return 404, "user_not_found", error.message
        case errors.UserUnknown(claimed=True):
            return 403, "user_not_found", error.message
        case errors.AssuranceTooLow("update"):
            return 401, "insufficient_aal", error.message
        case errors.AssuranceTooLow("unenroll"):
            return 422, "insufficient_aal", error.message
        case errors.FactorUnknown(challenge=True):
            return 422, "mfa_factor_not_found", error.message
        case errors.FactorDisabled(kind, action):
            return 422, f"mfa_{kind}_{action}_not_enabled", error.message
        case errors.TokenInvalid(reason) if reason.startswith("invalid claim:"):
            return 400, "bad_jwt", reason
        case errors.TokenInvalid(reason):
            return 403, "bad_jwt", _TOKEN + reason
        case errors.TokenExpired():
            return 403, "bad_jwt", _TOKEN + "token has invalid claims: token is expired"
        case errors.LimitExceeded(too_large_body=True):
            return 413, "request_entity_too_large", error.message
        case errors.RequestError():
            return 400, "validation_failed", error.message
    status, code = TABLE.get(type(error), (500, "unexpected_failure"))
    told = status < 500 or isinstance(error, errors.MessageUndelivered | errors.ProviderFailed)
    return status, code, error.message if told else _UNEXPECTED


def render_error(error: MainspringError, version: bytes | None, request_id: bytes = b"") -> Answer:
    """The answer for an error, in the shape that the client's version of the API has."""
    status, code, message = wire(error)
    new = understands(version)
    body: dict[str, Any]
    if new:
        body = {"code": code, "message": message}
    else:
        body = {"code": status, "error_code": code, "msg": message}
        if status >= 500:
            body["error_id"] = request_id.decode()
    if isinstance(error, errors.WalletRefused):
        body = {"error": code, "error_description": message}
    if isinstance(error, errors.IdTokenInvalid):
        body = {"error": "invalid nonce" if error.nonce else "invalid request", "error_description": message}
    if isinstance(error, errors.PasswordWeak):
        body["weak_password"] = {"reasons": error.reasons}
    headers = [JSON, (b"x-sb-error-code", code.encode())]
    if new:
        headers.append((b"x-supabase-api-version", VERSION.encode()))
    if isinstance(error, errors.TooManyRequests | errors.SentTooSoon):
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.seconds))))
    return status, headers, msgspec.json.encode(body)


def understands(version: bytes | None) -> bool:
    """Whether the client knows the newer shape of errors."""
    said = (version or b"").decode("latin-1")
    return bool(_DATE.match(said)) and said >= VERSION


_OAUTH: Final = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied", 503: "temporarily_unavailable"}


_DENIED: Final = (errors.SignupDisabled, errors.UserBanned, errors.AddressUnverified)


def error_query(error: MainspringError) -> str:
    """An error as a browser takes it along to the page it is sent to."""
    status, code, message = wire(error)
    if isinstance(error, errors.ProviderRefused):
        return urlencode({"error": error.error, "error_code": code, "error_description": message})
    if isinstance(error, _DENIED):
        status = 403
    return urlencode({"error": _OAUTH.get(status, "server_error"), "error_code": code, "error_description": message})
