"""Who asks, as the headers tell it."""

from __future__ import annotations

import pytest

from mainspring.errors import KeyMissing, TokenInvalid
from mainspring.http.principal import Identify, identifier
from mainspring.principal import Principal

KNOWN = {
    b"anon": Principal("anon"),
    b"service": Principal("service_role", bypass=True),
    b"user": Principal("authenticated", "6f1c3c9e-4b8e-4c52-9e3c-6a8f0b7a1d11"),
}
HOST = (b"host", b"example.org")


def verify(token: bytes) -> Principal:
    if token not in KNOWN:
        raise TokenInvalid(f"bad {token!r}")
    return KNOWN[token]


@pytest.fixture
def identify() -> Identify:
    return identifier(verify)


def test_nobody_is_anonymous(identify: Identify) -> None:
    assert identify([HOST]) == Principal("anon")


def test_nobody_is_refused_where_a_key_is_required() -> None:
    identify = identifier(verify, require_key=True)
    with pytest.raises(KeyMissing):
        identify([HOST])
    assert identify([HOST, (b"apikey", b"anon")]).role == "anon"


def test_a_bearer_token_beats_the_apikey(identify: Identify) -> None:
    assert identify([(b"apikey", b"anon"), HOST, (b"authorization", b"Bearer user")]).role == "authenticated"
    assert identify([(b"authorization", b"Bearer anon"), (b"apikey", b"service")]).role == "anon"


def test_an_apikey_alone_decides(identify: Identify) -> None:
    assert identify([(b"apikey", b"service")]).bypass


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER"])
def test_the_scheme_is_read_in_any_case(identify: Identify, scheme: bytes) -> None:
    assert identify([(b"authorization", scheme + b" user")]).role == "authenticated"


def test_a_bad_apikey_is_refused_beside_a_good_bearer(identify: Identify) -> None:
    with pytest.raises(TokenInvalid, match="bad b'x'"):
        identify([(b"apikey", b"x"), (b"authorization", b"Bearer user")])


def test_a_bad_bearer_is_refused_beside_a_good_apikey(identify: Identify) -> None:
    with pytest.raises(TokenInvalid):
        identify([(b"apikey", b"service"), (b"authorization", b"Bearer x")])


@pytest.mark.parametrize("value", [b"Bearer", b"Bearer ", b"Bearer  user", b"Bearer user x"])
def test_a_bearer_that_holds_no_token_is_refused(identify: Identify, value: bytes) -> None:
    with pytest.raises(TokenInvalid):
        identify([(b"authorization", value)])


@pytest.mark.parametrize("name", [b"authorization", b"apikey"])
def test_two_of_one_are_refused(identify: Identify, name: bytes) -> None:
    value = b"Bearer user" if name == b"authorization" else b"anon"
    with pytest.raises(TokenInvalid, match="More than one"):
        identify([(name, value), HOST, (name, value)])


def test_other_headers_may_come_twice(identify: Identify) -> None:
    assert identify([HOST, HOST, (b"apikey", b"anon")]).role == "anon"


def test_another_scheme_is_passed_over(identify: Identify) -> None:
    assert identify([(b"authorization", b"Basic dXNlcg==")]).role == "anon"
    assert identify([(b"authorization", b"Basic dXNlcg=="), (b"apikey", b"service")]).bypass
