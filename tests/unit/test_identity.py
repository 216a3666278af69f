"""The parts of signing in that need no server: passwords, refresh tokens, codes, redirects, counters, mails."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.identity import open_in_memory
from tests.unit.test_rest_errors import leaves

from mainspring.backends.counters.base import Rate
from mainspring.backends.counters.memory import MemoryCounters
from mainspring.backends.mail.base import Mail
from mainspring.backends.mail.memory import Inbox
from mainspring.backends.mail.smtp import SmtpMailer
from mainspring.backends.registry import Nowhere, open_mailer
from mainspring.backends.sms.memory import InboxSms
from mainspring.errors import (
    AddressInvalid,
    BodyInvalid,
    ConfigError,
    MainspringError,
    PasswordWeak,
    RefreshTokenUnknown,
    SignInError,
    TooManyRequests,
)
from mainspring.http.client import locator
from mainspring.observe import discard
from mainspring.services.identity.addresses import EMAIL, PHONE, Address, Redirects, email
from mainspring.services.identity.flows.sign_in import fits
from mainspring.services.identity.hooks import NoHooks
from mainspring.services.identity.messages.codes import Codes
from mainspring.services.identity.messages.messages import Messages
from mainspring.services.identity.messages.texts import Texts
from mainspring.services.identity.messages.wording import Wording
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.passwords.passwords import Passwords, Rules
from mainspring.services.identity.people import Asker, Challenge, User
from mainspring.services.identity.tokens.refresh import RefreshTokens
from mainspring.settings import AuthSettings, MailSettings, Secret, SmsSettings
from mainspring.surfaces.auth import errors as auth_errors
from mainspring.surfaces.auth.errors import Refused, render_error
from mainspring.surfaces.auth.parse import duration

SESSION = "0b1c2d3e-0000-4000-8000-000000000001"
CHEAP = AuthSettings(password_memory_kib=8, password_iterations=1)


# ---------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    ("characters", "password", "reasons"),
    [
        ("", "12345", ("length",)),
        ("", "123456", None),
        ("letters_digits", "abcdef", ("characters",)),
        ("letters_digits", "abcde1", None),
        ("lower_upper_letters_digits", "abcde1", ("characters",)),
        ("lower_upper_letters_digits_symbols", "Abcde1", ("characters",)),
        ("lower_upper_letters_digits_symbols", "Abcd1!", None),
        ("lower_upper_letters_digits_symbols", "x", ("length", "characters")),
    ],
)
def test_how_strong_a_password_must_be(characters: str, password: str, reasons: tuple[str, ...] | None) -> None:
    weak = Rules(AuthSettings(password_min_length=6, password_characters=characters)).weakness(password)
    assert (weak.reasons if weak else None) == reasons


async def test_a_password_has_72_characters_at_most() -> None:
    passwords = Passwords(AuthSettings())
    for password in ("x" * 72, "é" * 72, "\U0001f600" * 72):
        await passwords.demand(password)
    for password in ("x" * 73, "é" * 73):
        with pytest.raises(BodyInvalid, match="72 characters"):
            await passwords.demand(password)
    with pytest.raises(PasswordWeak):
        await passwords.demand("short")
    passwords.close()


async def test_hashes_are_argon2id_and_are_renewed() -> None:
    passwords = Passwords(CHEAP)
    kept = await passwords.hash("a good password")
    assert kept.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await passwords.check("a good password", kept)
    assert not await passwords.check("another", kept)
    assert not await passwords.check("a good password", None)
    assert not await passwords.check("a good password", "nonsense")
    assert not passwords.outdated(kept)
    assert Passwords(AuthSettings(password_memory_kib=16, password_iterations=1)).outdated(kept)
    usual = AuthSettings()
    assert (usual.password_memory_kib, usual.password_iterations, usual.password_parallelism) == (19_456, 2, 1)
    passwords.close()


async def test_bcrypt_hashes_of_imported_users() -> None:
    bcrypt = pytest.importorskip("bcrypt")
    passwords = Passwords(CHEAP)
    kept = passwords.accept(bcrypt.hashpw(b"imported", bcrypt.gensalt(4)).decode())
    assert await passwords.check("imported", kept)
    assert not await passwords.check("other", kept)
    longest = passwords.accept(bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode())
    assert await passwords.check("x" * 72, longest)
    assert not await passwords.check("x" * 70 + "éé", longest)
    assert not await passwords.check("x" * 71 + "é", longest), "its first 72 bytes are not enough"
    assert passwords.outdated(kept)
    with pytest.raises(BodyInvalid):
        passwords.accept("{SSHA}x")
    passwords.close()


FIREBASE = (  # of GoTrue's own tests: "mytestpassword"
    "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,"
    "sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$"
    "zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw=="
)


async def test_hashes_that_were_made_elsewhere() -> None:
    bcrypt = pytest.importorskip("bcrypt")
    passwords = Passwords(CHEAP)
    argon2i = "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$7qAYB0PgMyHp+Aek7xsRrg"  # "saltsaltsalt", by the reference library
    made = bcrypt.hashpw(b"mytestpassword", bcrypt.gensalt(4, b"2a")).decode()
    others = [made.replace("$2a$", f"${kind}$") for kind in ("2a", "2b", "2y")]
    for kept in (FIREBASE, argon2i, *others):
        assert await passwords.check("mytestpassword", passwords.accept(kept)), kept
        assert not await passwords.check("mytestpassword1", kept)
        assert passwords.outdated(kept)
    passwords.close()


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "secret",
        "$2a$31$" + "a" * 53,
        "$2a$03$" + "a" * 53,
        "$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
        "$argon2id$v=19$m=65536,t=21,p=1$c2FsdHNhbHQ$aGFzaA",
        "$argon2id$v=19$m=65536,t=3,p=17$c2FsdHNhbHQ$aGFzaA",
        FIREBASE.replace("v=1", "v=2"),
        FIREBASE.replace("n=14", "n=0"),
        FIREBASE.replace("n=14", "n=4294967297"),
        FIREBASE.replace("n=14", "n=24"),
        FIREBASE.replace("r=8", "r=0"),
        FIREBASE.replace("r=8", "r=999999999"),
        FIREBASE.replace("p=1", "p=0"),
        FIREBASE.replace("p=1", "p=256"),
        FIREBASE.replace("ss=Bw==", "ss=!!!"),
        FIREBASE.replace("$C0sHCg9ek77hsg==", "$A"),
    ],
)
async def test_hashes_that_nobody_could_check_are_refused(kept: str) -> None:
    """They are not taken, and who has one anyhow does not sign in, and breaks nothing."""
    pytest.importorskip("bcrypt")
    passwords = Passwords(CHEAP)
    with pytest.raises(BodyInvalid):
        passwords.accept(kept)
    if not kept.startswith("$argon2"):
        assert not await passwords.check("mytestpassword", kept)
    passwords.close()


async def test_more_passwords_than_can_wait_are_refused() -> None:
    passwords = Passwords(AuthSettings(password_memory_kib=8, password_iterations=1, password_threads=1, password_queue=4))
    outcomes = await asyncio.gather(*(passwords.hash(f"password {n}") for n in range(20)), return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 15
    assert await passwords.hash("afterwards")
    passwords.close()


# ---------------------------------------------------------------- tokens and codes


@pytest.mark.parametrize("counter", [0, 1, 127, 128, 300, 2**40, 2**62])
def test_a_refresh_token_says_what_was_written(counter: int) -> None:
    tokens = RefreshTokens(b"s" * 32)
    assert tokens.read(tokens.write(SESSION, counter)) == (SESSION, counter)


def test_refresh_tokens_of_others_and_broken_ones() -> None:
    tokens, text = RefreshTokens(b"s" * 32), RefreshTokens(b"s" * 32).write(SESSION, 7)
    with pytest.raises(RefreshTokenUnknown):
        RefreshTokens(b"t" * 32).read(text)
    with pytest.raises(RefreshTokenUnknown):
        tokens.read("abcdefghijkl")
    for place in range(len(text)):
        broken = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises((BodyInvalid, RefreshTokenUnknown)):
            tokens.read(broken)
    for nonsense in ("", "x", "é" * 60, "A" * 500, text + "=", text[:-2], "=" * 50):
        with pytest.raises(BodyInvalid):
            tokens.read(nonsense)


def test_a_code_and_its_link_are_stored_as_the_same_hash() -> None:
    codes = Codes(b"s" * 32)
    code = codes.make("ann@example.com", "recovery_token", 6)
    assert code.digits.isdigit()
    assert len(code.digits) == 6
    assert code.stored == hashed(code.token) != code.token
    assert code.stored in codes.candidates("ann@example.com", "recovery_token", code.digits)
    assert code.stored not in codes.candidates("ann@example.com", "confirmation_token", code.digits)
    assert code.stored not in codes.candidates("bob@example.com", "recovery_token", code.digits)
    assert code.stored not in Codes(b"t" * 32).candidates("ann@example.com", "recovery_token", code.digits)
    pkce = codes.make("ann@example.com", "recovery_token", 6, pkce=True)
    assert pkce.token.startswith("pkce_")
    assert pkce.stored in codes.candidates("ann@example.com", "recovery_token", pkce.digits)


def test_verifiers() -> None:
    # The example of RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert fits(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "s256")
    assert fits(verifier, verifier, "plain")
    assert not fits(verifier, verifier, "s256")
    assert not fits("é", verifier, "plain")


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize("text", ["a@b.c", "Ann.B+tag@Sub.Example.COM", "x@localhost", "o'hara@example.ie"])
def test_addresses(text: str) -> None:
    assert email(f" {text} ") == text.lower()


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b.c", "a@b@c", "a b@c.d", "a@b..c", "a@-b.c", "a@b.c\r\nx", "a\0@b.c", "é@b.c", "a@" + "b" * 260]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(AddressInvalid):
        email(text)


def test_where_people_may_be_sent() -> None:
    redirects = Redirects(
        "https://site.example/home", ["https://*.app.example/**", "myapp://callback", "http://localhost:3000/*"]
    )
    allowed = [
        "https://site.example",
        "https://site.example/a/b?c=d#e",
        "https://x.app.example/a/b.c",
        "myapp://callback",
        "http://localhost:3000/a",
    ]
    refused = [
        None,
        "",
        "/relative",
        "http://site.example",
        "https://site.example:8443/",
        "https://a.b.app.example/",
        "http://localhost:3000/a/b",
        "https://user@site.example/",
        "myapp://callback/more",
        "https://site.example.evil.example",
        "https://[::1",
    ]
    assert [redirects.choose(text) for text in allowed] == allowed
    assert {redirects.choose(text) for text in refused} == {"https://site.example/home"}
    local = Redirects("http://127.0.0.1:8000", ())
    assert local.choose("http://127.0.0.1:3000/x") == "http://127.0.0.1:3000/x", "a loopback address on any port"


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
    ],
)
def test_only_proxies_that_are_known_say_where_a_request_comes_from(peer: str, said: str | None, found: str) -> None:
    headers = [] if said is None else [(b"x-forwarded-for", said.encode())]
    assert locator(["10.0.0.0/8"])({"client": (peer, 1), "headers": headers}) == found
    assert locator([])({"client": (peer, 1), "headers": headers}) == peer
    with pytest.raises(ConfigError):
        locator(["somewhere"])


# ---------------------------------------------------------------- counters and mails


async def test_counters_fill_up_again() -> None:
    now = 0.0
    counters = MemoryCounters(lambda: now, most=3)
    rate = Rate(2, 10)
    assert [await counters.take("a", rate) for _ in range(3)] == [0, 0, 5.0]
    now = 4.0
    assert await counters.take("a", rate) == pytest.approx(1.0)
    now = 5.0
    assert await counters.take("a", rate) == 0
    await counters.forget("a")
    assert await counters.take("a", rate) == 0
    assert [await counters.take("b", Rate(0, 1)) for _ in range(9)] == [0] * 9
    for number in range(10):
        await counters.take(f"key {number}", rate)
    assert len(counters._buckets) == 3


@pytest.mark.parametrize("shown", ["", "\x00", "\udcff", "\U0010ffff" * 1000])
def test_whatever_is_shown_as_a_secret_has_a_hash(shown: str) -> None:
    assert len(hashed(shown)) == 64
    assert hashed(shown) != hashed(shown + "x")


def person(**said: Any) -> User:
    return User(id=SESSION, email="ann@example.com", created_at="2026-01-01T00:00:00+00:00", **said)


ANN = Address(EMAIL, "ann@example.com")


def messages_of(inbox: Inbox, templates: str = "", **sms: Any) -> Messages:
    """Messages into an inbox."""
    counters, wording = MemoryCounters(), Wording(templates)
    texts = Texts(InboxSms(inbox), SmsSettings(**sms), counters, wording, "http://site", discard, NoHooks())
    mail = MailSettings(templates=templates)
    return Messages(inbox, mail, counters, "http://x/auth/v1", "http://site", discard, wording, texts, NoHooks())


async def test_templates_can_be_changed_while_it_runs(tmp_path: Path) -> None:
    inbox = Inbox()
    messages = messages_of(inbox, str(tmp_path))
    code = Codes(b"s" * 32).make("ann@example.com", "recovery_token", 6)
    hostile = person(raw_user_meta_data={"name": "<script>"})

    async def sent() -> Mail:
        await messages.send("recovery", ANN, hostile, code, "http://site/a?b=c")
        return inbox.mails("ann@example.com")[0].mail

    first = await sent()
    assert first.subject == "Reset your password"
    assert code.digits in first.html
    assert f"http://x/auth/v1/verify?token={code.token}&type=recovery&redirect_to=http%3A%2F%2Fsite%2Fa%3Fb%3Dc" in first.text
    own = tmp_path / "recovery.html"
    own.write_text("<title>For {{ .Email }}</title>{{ .Data.name }} {{ Token }}")
    second = await sent()
    assert (second.subject, second.html.endswith(f"&lt;script&gt; {code.digits}")) == ("For ann@example.com", True)
    own.write_text("<title>Line\nbreak</title>")
    assert (await sent()).subject == "Line break"
    own.unlink()
    assert (await sent()).subject == "Reset your password"


KINDS = ("confirmation", "email_change", "invite", "magic_link", "reauthentication", "recovery")


@pytest.mark.parametrize("kind", KINDS)
async def test_every_mail_can_be_changed_while_it_runs(kind: str, tmp_path: Path) -> None:
    inbox = Inbox()
    messages, code = messages_of(inbox, str(tmp_path)), Codes(b"s" * 32).make("ann@example.com", "x", 6)
    await messages.send(kind, ANN, person(), code)
    first = inbox.mails()[0].mail
    assert (first.kind, code.digits in first.html, code.digits in first.text) == (kind, True, True)
    own = tmp_path / f"{kind}.html"
    own.write_text("<title>Ours</title>{{ .Token }}")
    await messages.send(kind, ANN, person(), code)
    assert (inbox.mails()[0].mail.subject, inbox.mails()[0].mail.html[-6:]) == ("Ours", code.digits)
    own.write_text("<title>Ours again</title>")
    os.utime(own, ns=(1, 1))
    await messages.send(kind, ANN, person(), code)
    assert inbox.mails()[0].mail.subject == "Ours again"


async def test_texts_can_be_changed_while_it_runs(tmp_path: Path) -> None:
    inbox, phone = Inbox(), Address(PHONE, "46701234567")
    messages, code = messages_of(inbox, str(tmp_path)), Codes(b"s" * 32).make(phone.text, "x", 6)

    async def sent() -> str:
        await messages.send("confirmation", phone, person(raw_user_meta_data={"name": "A & B"}), code)
        return inbox.mails(phone.text)[0].mail.text

    assert await sent() == f"Your code is {code.digits}"
    own = tmp_path / "sms.txt"
    own.write_text("{{ .Code }} for {{ .Data.name }} at {{ SiteURL }}\n")
    assert await sent() == f"{code.digits} for A & B at http://site", "a text is no HTML"
    own.unlink()
    assert await sent() == f"Your code is {code.digits}"


def test_where_mails_go() -> None:
    assert isinstance(open_mailer(MailSettings(), private=True), Inbox)
    assert isinstance(open_mailer(MailSettings(), private=False), Nowhere)
    assert isinstance(open_mailer(MailSettings(inbox="on"), private=False), Inbox)
    with pytest.raises(ConfigError):
        open_mailer(MailSettings(url=Secret("imap://x")), private=True)
    smtp = open_mailer(MailSettings(url=Secret("smtp://u:p@mail.example")), private=True)
    assert isinstance(smtp, SmtpMailer)
    message = smtp.message(Mail("ann@example.com", "Hello", "<b>x</b>", "x", "recovery"))
    assert message["To"] == "ann@example.com"
    with pytest.raises(ValueError, match="line"):
        smtp.message(Mail("ann@example.com", "a\nBcc: x@y", "", "", ""))


# ---------------------------------------------------------------- the wire


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, None),
        ("none", timedelta()),
        ("24h", timedelta(hours=24)),
        ("1h30m5.5s", timedelta(hours=1, minutes=30, seconds=5.5)),
        ("99999999h", timedelta(days=365 * 200)),
    ],
)
def test_durations(text: str | None, found: timedelta | None) -> None:
    assert duration(text) == found


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1h x", "1d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Refused):
        duration(text)


def test_every_refusal_has_its_status_and_code() -> None:
    assert set(leaves(SignInError)) - set(auth_errors.TABLE) == set()


@pytest.mark.parametrize(
    ("error", "version", "status", "body"),
    [
        (PasswordWeak(("length",), "Too short."), b"2024-01-01", 422,
         b'{"code":"weak_password","message":"Too short.","weak_password":{"reasons":["length"]}}'),
        (PasswordWeak(("length",), "Too short."), None, 422,
         b'{"code":422,"error_code":"weak_password","msg":"Too short.","weak_password":{"reasons":["length"]}}'),
        (TooManyRequests("email", 3.2), b"2023-12-31", 429,
         b'{"code":429,"error_code":"over_email_send_rate_limit","msg":"email rate limit exceeded"}'),
        (MainspringError(), b"nonsense", 500,
         b'{"code":500,"error_code":"unexpected_failure",'
         b'"msg":"Unexpected failure, please check server logs for more information","error_id":"r1"}'),
    ],
)  # fmt: skip
def test_both_shapes_of_errors(error: MainspringError, version: bytes | None, status: int, body: bytes) -> None:
    told, headers, text = render_error(error, version, b"r1")
    assert (told, text) == (status, body)
    assert ((b"x-supabase-api-version", b"2024-01-01") in headers) == (version == b"2024-01-01")
    assert ((b"retry-after", b"4") in headers) == isinstance(error, TooManyRequests)


async def test_what_is_over_is_swept_away() -> None:
    """Marks of tokens that have expired by now, and sign-ins that nobody ended."""
    identity = await open_in_memory()
    store, long_ago = identity.parts.store, "2020-01-01T00:00:00+00:00"
    challenge = Challenge("c" * 43, "plain")
    user = await identity.sign_up.with_password(ANN, "a good password", {}, Asker(), challenge, "")
    assert isinstance(user, User)
    await store.do(identity.revocations.mark(user.id, 5), identity.revocations.mark(SESSION))
    await identity.revocations.sweep()
    assert len(await store.marks.since("created_at", long_ago)) == 2, "they may be needed still"
    (flow,) = await store.flows.since("created_at", long_ago)
    await store.do(
        store.marks.update({"created_at": long_ago}, subject=SESSION), store.flows.update({"created_at": long_ago}, id=flow.id)
    )
    await identity.revocations.sweep()
    assert [mark.subject for mark in await store.marks.since("created_at", long_ago)] == [user.id]
    assert await store.flows.since("created_at", long_ago) == []
    await identity.stop()


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [leaf.code for leaf in leaves(MainspringError)]
    assert sorted({code for code in codes if codes.count(code) > 1}) == []
