"""What second factors are made of: codes by RFC 6238, their drawing, the origins of a site."""

from __future__ import annotations

import pytest

from mainspring.services.identity.factors.relying import RelyingParty
from mainspring.services.identity.factors.totp import STEP_SECONDS, code, drawn
from mainspring.settings import AuthSettings


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [
        (59, b"287082"),
        (1111111109, b"081804"),
        (1111111111, b"050471"),
        (1234567890, b"005924"),
        (2000000000, b"279037"),
        (20000000000, b"353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, digits: bytes) -> None:
    assert code(b"12345678901234567890", seconds // STEP_SECONDS) == digits


def test_a_drawing_can_stand_in_a_data_address() -> None:
    for length in (1, 500, 2500):
        svg = drawn("otpauth://totp/" + "x" * length)
        assert svg.startswith("<svg ")
        assert not set("#%") & set(svg)


@pytest.mark.parametrize(
    ("site", "domain", "origins"),
    [
        ("https://Shop.Example/", "shop.example", ["https://shop.example"]),
        ("https://shop.example:443", "shop.example", ["https://shop.example"]),
        ("http://shop.example:8080/a?b#c", "shop.example", ["http://shop.example:8080"]),
        ("http://127.0.0.1:3000", "localhost", ["http://127.0.0.1:3000", "http://localhost:3000"]),
        ("http://[::1]:3000", "localhost", ["http://[::1]:3000", "http://localhost:3000"]),
    ],
)
def test_the_site_that_keys_belong_to(site: str, domain: str, origins: list[str]) -> None:
    party = RelyingParty(AuthSettings(), site)
    assert (party.id, party.name, party.origins) == (domain, domain, origins)
