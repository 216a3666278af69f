"""Tokens: the good ones, and every way we know to forge, bend or break one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mainspring.errors import IdentityError, TokenExpired, TokenInvalid
from mainspring.services.identity.keys.api_keys import open_api_keys
from mainspring.services.identity.keys.keys import KeySet, open_keys
from mainspring.services.identity.tokens.tokens import MAX_TOKEN_BYTES, TokenVerifier
from mainspring.settings import AuthSettings, Secret

UID = "6f1c3c9e-4b8e-4c52-9e3c-6a8f0b7a1d11"
SECRET = "0123456789abcdef0123456789abcdef"
HS = AuthSettings(jwt_secret=Secret(SECRET))
ES = AuthSettings()


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def keys(folder: Path) -> KeySet:
    return open_keys(folder, ES)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verify(keys: KeySet, clock: Clock) -> TokenVerifier:
    return TokenVerifier(keys, ES, roles=["editor"], clock=clock)


@pytest.fixture
def verify_hs(folder: Path) -> TokenVerifier:
    return TokenVerifier(open_keys(folder, HS), HS)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {"sub": UID, "role": "authenticated", "aud": "authenticated", "iat": now, "exp": now + 600} | changes
    return {name: value for name, value in whole.items() if value is not ...}


def segment(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def forge(header: object, payload: object, secret: bytes = SECRET.encode()) -> bytes:
    """A token of any header and payload, with a true HS256 signature by `secret`."""
    signed = f"{segment(header)}.{segment(payload)}".encode()
    return signed + b"." + segment(hmac.new(secret, signed, hashlib.sha256).digest()).encode()


def signed_es(keys: KeySet, payload: object, **header: Any) -> bytes:
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jwt.PyJWS().encode(text, keys.private, algorithm="ES256", headers=header or None).encode()


def public_pem(keys: KeySet) -> bytes:
    return keys.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


# ---------------------------------------------------------------- good tokens


def test_a_user_token_says_who_asks(keys: KeySet, verify: TokenVerifier) -> None:
    principal = verify(keys.sign(claims(app_metadata={"org": 7})).encode())
    assert (principal.role, principal.uid, principal.bypass) == ("authenticated", UID, False)
    assert principal.claim("app_metadata", "org") == 7


@pytest.mark.parametrize("auth", [ES, HS], ids=["ES256", "HS256"])
def test_the_api_keys_are_good(folder: Path, auth: AuthSettings) -> None:
    keys = open_keys(folder, auth)
    api, verify = open_api_keys(folder, keys), TokenVerifier(keys, auth)
    anon, service = verify(api.anon.encode()), verify(api.service.reveal().encode())
    assert (anon.role, anon.uid, anon.bypass) == ("anon", None, False)
    assert (service.role, service.uid, service.bypass) == ("service_role", None, True)


def test_a_token_of_the_other_algorithm_is_good_while_its_key_is_ours(keys: KeySet, verify_hs: TokenVerifier) -> None:
    assert verify_hs(keys.sign(claims()).encode()).uid == UID


def test_an_existing_project_may_name_any_kid_with_its_secret(verify_hs: TokenVerifier) -> None:
    token = jwt.encode(claims(), SECRET, algorithm="HS256", headers={"kid": "theirs"})
    assert verify_hs(token.encode()).uid == UID


def test_a_role_the_app_declares_is_good(keys: KeySet, verify: TokenVerifier) -> None:
    assert verify(keys.sign(claims(role="editor")).encode()).role == "editor"


@pytest.mark.parametrize("auth", [ES, HS], ids=["ES256", "HS256"])
def test_letters_of_other_scripts_take_no_more_room_than_they_need(folder: Path, auth: AuthSettings) -> None:
    keys = open_keys(folder, auth)
    token = keys.sign(claims(user_metadata={"name": "ж" * 1500, "mark": '"\\\u2028\x00'})).encode()
    assert len(token) < 5000
    principal = TokenVerifier(keys, auth)(token)
    assert principal.claim("user_metadata", "name") == "ж" * 1500
    assert principal.claim("user_metadata", "mark") == '"\\\u2028\x00'


def test_a_token_without_a_role_is_anonymous(keys: KeySet, verify: TokenVerifier) -> None:
    assert verify(keys.sign(claims(role=...)).encode()).role == "anon"


def test_the_user_id_has_one_form(keys: KeySet, verify: TokenVerifier) -> None:
    assert verify(keys.sign(claims(sub=UID.upper())).encode()).uid == UID


def test_one_audience_of_several_is_enough(keys: KeySet, verify: TokenVerifier) -> None:
    assert verify(keys.sign(claims(aud=["other", "authenticated"])).encode()).uid == UID


# ---------------------------------------------------------------- forged tokens


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 0, ["ES256"], "RS256", "ES384", "PS256"])
def test_no_other_algorithm(verify: TokenVerifier, verify_hs: TokenVerifier, algorithm: object) -> None:
    for signature in ("", ".", ".AAAA"):
        token = f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{segment(claims())}{signature}".encode()
        for verifier in (verify, verify_hs):
            with pytest.raises(TokenInvalid):
                verifier(token)


def test_the_public_key_is_no_secret(keys: KeySet, verify: TokenVerifier, verify_hs: TokenVerifier) -> None:
    pem = public_pem(keys)
    jwk = json.dumps(keys.jwks()["keys"][0]).encode()
    for secret in (pem, pem.strip(), jwk, keys.kid.encode(), b""):
        token = forge({"alg": "HS256", "kid": keys.kid}, claims(role="service_role"), secret)
        for verifier in (verify, verify_hs):
            with pytest.raises(TokenInvalid):
                verifier(token)


def test_hs256_is_refused_where_no_secret_is_set(verify: TokenVerifier) -> None:
    with pytest.raises(TokenInvalid, match="No suitable key"):
        verify(forge({"alg": "HS256"}, claims()))


@pytest.mark.parametrize("kid", ["../../etc/passwd", "/dev/null", "' OR 1=1 --", "", "other", "\0", 5, {}, []])
def test_a_kid_only_compares(keys: KeySet, verify: TokenVerifier, kid: object) -> None:
    header = segment({"alg": "ES256", "kid": kid}) + "." + segment(claims())
    for token in (f"{header}.{segment(b'x' * 64)}".encode(), forge({"alg": "HS256", "kid": kid}, claims(), b"")):
        with pytest.raises(TokenInvalid):
            verify(token)


def test_a_key_in_the_token_is_not_followed(keys: KeySet, verify: TokenVerifier) -> None:
    theirs = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(theirs.public_key()))
    for extra in ({"jwk": jwk}, {"jku": "http://127.0.0.1:1/"}, {"x5u": "http://127.0.0.1:1/"}, {"x5c": ["AAAA"]}, {}):
        for kid in ({}, {"kid": keys.kid}):
            token = jwt.encode(claims(), theirs, algorithm="ES256", headers={**extra, **kid})
            with pytest.raises(TokenInvalid, match="cryptographic"):
                verify(token.encode())


def test_an_rsa_token_is_refused(verify: TokenVerifier) -> None:
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(TokenInvalid, match="No suitable key"):
        verify(jwt.encode(claims(), theirs, algorithm="RS256").encode())


@pytest.mark.parametrize("signature", [b"\0" * 64, b"\xff" * 64, b"", b"\0" * 63, b"\x30\x06\x02\x01\x00\x02\x01\x00"])
def test_a_signature_of_nothing_is_refused(keys: KeySet, verify: TokenVerifier, signature: bytes) -> None:
    token = f"{segment({'alg': 'ES256', 'kid': keys.kid})}.{segment(claims())}.{segment(signature)}"
    with pytest.raises(TokenInvalid):
        verify(token.encode())


def test_a_changed_payload_is_refused(keys: KeySet, verify: TokenVerifier) -> None:
    header, _, signature = keys.sign(claims()).split(".")
    with pytest.raises(TokenInvalid, match="cryptographic"):
        verify(f"{header}.{segment(claims(role='service_role'))}.{signature}".encode())


@pytest.mark.parametrize("extra", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": True, "crit": ["b64"]}])
def test_critical_extensions_are_refused(verify_hs: TokenVerifier, extra: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid, match="extensions"):
        verify_hs(forge({"alg": "HS256", **extra}, claims()))


# ---------------------------------------------------------------- bent claims


@pytest.mark.parametrize("aud", ["other", "", [], ["other"], None, 5, [5], {"authenticated": 1}, ["authenticated", 5]])
def test_another_audience_is_refused(keys: KeySet, verify: TokenVerifier, aud: object) -> None:
    with pytest.raises(TokenInvalid, match="aud"):
        verify(signed_es(keys, claims(aud=aud)))


def test_expired(keys: KeySet, verify: TokenVerifier) -> None:
    now = int(time.time())
    assert verify(keys.sign(claims(exp=now - 5)).encode()).uid == UID  # within the leeway
    with pytest.raises(TokenExpired):
        verify(keys.sign(claims(exp=now - ES.leeway_seconds - 1)).encode())


@pytest.mark.parametrize(("claim", "reason"), [("nbf", "not yet valid"), ("iat", "issued at future")])
def test_not_begun(keys: KeySet, verify: TokenVerifier, claim: str, reason: str) -> None:
    now = int(time.time())
    assert verify(keys.sign(claims(**{claim: now + 5})).encode()).uid == UID
    with pytest.raises(TokenInvalid, match=reason):
        verify(keys.sign(claims(**{claim: now + 120})).encode())


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["9999999999", True, [], {}, 10**40, 10**400, -(10**400)])
def test_a_time_is_a_number_in_range(keys: KeySet, verify: TokenVerifier, claim: str, value: object) -> None:
    with pytest.raises(TokenInvalid, match=f"JWT's {claim} claim"):
        verify(signed_es(keys, claims(**{claim: value})))


@pytest.mark.parametrize(
    "sub",
    ["", "1", "admin", f"{{{UID}}}", f"urn:uuid:{UID}", UID.replace("-", ""), f"{UID}\n", f" {UID}", 5, True, [UID], {}],
)
def test_a_user_is_a_uuid(keys: KeySet, verify: TokenVerifier, sub: object) -> None:
    with pytest.raises(TokenInvalid, match="UUID"):
        verify(signed_es(keys, claims(sub=sub)))


@pytest.mark.parametrize("role", ["postgres", "", "SERVICE_ROLE", "service_role ", None, 5, True, ["service_role"], {}])
def test_an_unknown_role_is_refused(keys: KeySet, verify: TokenVerifier, role: object) -> None:
    with pytest.raises(TokenInvalid, match="role"):
        verify(signed_es(keys, claims(role=role)))


# ---------------------------------------------------------------- broken tokens


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{}x",
        b"\xff\xfe{}",
        b'{"role":"anon","role":"service_role"}',
        b'{"a":{"b":1,"b":2}}',
        b'{"name":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"name":"\xed\xa0\x80"}',
        b'{"exp":NaN}',
        b'{"exp":Infinity}',
        b'{"exp":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 2500 + b"]" * 2500 + b"}",
    ],
    ids=range(17),
)
def test_a_payload_that_is_no_sound_object_is_refused(keys: KeySet, verify: TokenVerifier, payload: bytes) -> None:
    with pytest.raises(TokenInvalid, match=r"payload|longer|base64url"):
        verify(signed_es(keys, payload))


@pytest.mark.parametrize("header", [b"", b"[]", b"{", b'{"alg":"none","alg":"HS256"}', b"\xff", b'{"alg":"\\ud800"}'])
def test_a_header_that_is_no_sound_object_is_refused(verify_hs: TokenVerifier, header: bytes) -> None:
    with pytest.raises(TokenInvalid):
        verify_hs(forge(header, claims()))


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b".",
        b"..",
        b"...",
        b"a",
        b"a.b",
        b"a.b.c.d",
        b"a.b.c",
        b"\0.\0.\0",
        b"a b.c.d",
        b"\xff.\xff.\xff",
        b"=.=.=",
        b"a.b.c\n",
    ],
)
def test_what_is_no_token_is_refused(verify: TokenVerifier, token: bytes) -> None:
    with pytest.raises(TokenInvalid):
        verify(token)


def test_an_oversized_token_is_refused_before_it_is_read(keys: KeySet, verify: TokenVerifier) -> None:
    token = keys.sign(claims(filler="x" * MAX_TOKEN_BYTES)).encode()
    with pytest.raises(TokenInvalid, match="longer than 16384 bytes"):
        verify(token)


def test_no_cut_of_a_good_token_is_good(keys: KeySet, verify: TokenVerifier) -> None:
    token = keys.sign(claims()).encode()
    for length in range(0, len(token), 7):
        with pytest.raises(IdentityError):
            verify(token[:length])


# ---------------------------------------------------------------- the cache


def test_a_token_is_verified_once(keys: KeySet, verify: TokenVerifier) -> None:
    token = keys.sign(claims()).encode()
    assert verify(token) is verify(bytes(bytearray(token)))


def test_a_remembered_token_still_expires(keys: KeySet, verify: TokenVerifier, clock: Clock) -> None:
    token = keys.sign(claims(exp=int(clock.now) + 60)).encode()
    verify(token)
    clock.now += 60 + ES.leeway_seconds - 1
    verify(token)
    clock.now += 2
    for _ in range(2):
        with pytest.raises(TokenExpired):
            verify(token)


def test_the_cache_is_bounded_and_keeps_what_is_used(keys: KeySet, clock: Clock) -> None:
    auth = AuthSettings(token_cache_size=8)
    verify = TokenVerifier(keys, auth, clock=clock)
    used = keys.sign(claims()).encode()
    kept = verify(used)
    for number in range(30):
        verify(keys.sign(claims(n=number)).encode())
        assert verify(used) is kept
        assert len(verify._young) + len(verify._old) <= 8
