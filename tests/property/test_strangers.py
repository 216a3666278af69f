"""What strangers write: profiles of providers, texts of wallets, answers of companies. Whatever it is, it is read or refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mainspring.errors import AssertionInvalid, AssertionSilent, BodyInvalid, WalletMessageInvalid
from mainspring.services.identity.providers.known import KNOWN
from mainspring.services.identity.providers.outline import Account, Provider
from mainspring.services.identity.providers.reading import account
from mainspring.services.identity.saml import assertion, signed
from mainspring.services.identity.saml.encrypted import Recipient
from mainspring.services.identity.saml.metadata import company
from mainspring.services.identity.seal import Seal
from mainspring.services.identity.wallets import ethereum, solana
from mainspring.services.identity.wallets.message import read
from tests.property.cases import examples
from tests.support import company as support
from tests.support.wallets import text

KEYS = sorted({part for each in KNOWN.values() for path in each.claims.values() for part in path.replace("+", ">").split(">")})
NAMES = [key.strip() for key in KEYS] + ["id", "sub", "email", "data", "profile", "verified", "values", "primary", "me", "user"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.just("a@x.example")
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6),
    max_leaves=25,
)


@examples(0.01)
@given(st.sampled_from(sorted(KNOWN)), DOCUMENTS, DOCUMENTS, st.booleans())
def test_profiles(name: str, profile: Any, emails: Any, token: bool) -> None:
    found = account(Provider(name, KNOWN[name], "client"), profile, emails, token=token)
    if found is not None:
        assert found.subject
        assert not (found.verified and not found.email)
        assert msgspec.json.decode(msgspec.json.encode(found), type=Account) == found
        assert len(msgspec.json.encode(found.data())) < 40_000


GOOD = text("Ethereum", "0x" + "a1" * 20)
LINES = st.sampled_from(
    [*GOOD.split("\n"), "Resources:", "- https://x.example", "Chain ID: 1", "Request ID: x", "", " ", "URI:", ":"]
)


@examples(0.01)
@given(st.lists(LINES | st.text(max_size=60), max_size=14).map("\n".join) | st.text(max_size=300))
def test_texts_of_wallets(said: str) -> None:
    for chain, check in (("Ethereum", ethereum.check_form), ("Solana", solana.check_form)):
        try:
            found = read(said, chain)
            check(found.address, found.chain_id)
        except WalletMessageInvalid:
            continue
        assert found.uri
        assert found.issued_at.tzinfo is not None


@examples(0.01)
@given(st.text(max_size=200), st.text(alphabet="0123456789abcdefx", max_size=140), st.text(max_size=100))
def test_signatures_of_wallets(said: str, hexadecimal: str, other: str) -> None:
    for signature in (hexadecimal, other, base64.b64encode(other.encode()).decode()):
        for signer in (
            partial(ethereum.signer, said, "0x" + "a1" * 20, signature),
            partial(solana.signer, said, "x.example", "1" * 32, signature),
        ):
            try:
                assert signer() is None
            except WalletMessageInvalid:
                continue


REQUEST = {"audience": "a", "consumer": "c", "request": "_r", "relay": "x"}
ANSWER = support.signed(support.response(REQUEST, "employee", "a@x.example"))
WHOLE = base64.b64decode(support.encoded(ANSWER))
OURS = Recipient("a", (support.pair("ours")[0],))
SECRET = base64.b64decode(support.encoded(support.encrypted(ANSWER, support.Encryption(OURS.private[0].public_key()))))
EXPECTED = assertion.Expected(support.ENTITY, "a", "c", "_r")


@examples(0.01)
@given(
    st.sampled_from([WHOLE, SECRET]),
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, len(WHOLE) - 1), st.binary(max_size=12)), max_size=3),
)
def test_answers_of_companies(spoiled: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    """However an answer is cut and mended, it says what was signed, or nothing; encrypted or not."""
    for begin, end, put in changes:
        spoiled = spoiled[: min(begin, end)] + put + spoiled[max(begin, end) :]
    try:
        found = signed.assertion(spoiled, company(support.metadata()).certificates, OURS)
        assertion.check(found, EXPECTED, datetime.now(UTC))
        said = assertion.account(found, "sso:x", support.ENTITY, None)
    except (AssertionInvalid, AssertionSilent):
        return
    assert (said.subject, said.email) == ("employee", "a@x.example")


@examples(0.01)
@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")))
def test_metadata(said: str) -> None:
    for xml in (said, support.metadata().replace("MII", said, 1), support.metadata(entity="x" + said.replace("<", ""))):
        try:
            assert company(xml).certificates
        except BodyInvalid:
            continue


@examples(0.01)
@given(st.text(max_size=60))
def test_seals(said: str) -> None:
    assert Seal(b"s" * 32).open(said, "place") is None
